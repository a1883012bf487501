"""One key for every usual way to write a name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reference.scientific_name import scientific_key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Python regius", "python regius"),
        ("PYTHON REGIUS", "python regius"),
        ("  python\u00a0 regius\n", "python regius"),
        ("Python Regius", "python regius"),
        ("Python regius (Shaw, 1802)", "python regius"),
        ("PYTHON REGIUS (SHAW, 1802)", "python regius"),
        ("Python regius Shaw, 1802", "python regius"),
        ("Dalbergia latifolia Roxb.", "dalbergia latifolia"),
        ("Prunus africana (Hook.f.) Kalkman", "prunus africana"),
        ("Aloe ferox de Candolle", "aloe ferox"),
        ("Varanus (Polydaedalus) niloticus (Linnaeus, 1766)", "varanus niloticus"),
        ("Python spp.", "python"),
        ("Python SPP", "python"),
        ("Python sp.", "python"),
        ("Orchidaceae", "orchidaceae"),
        ("Python Daudin, 1803", "python"),
        ("Phalaenopsis × intermedia", "phalaenopsis intermedia"),
        ("Phalaenopsis x intermedia", "phalaenopsis intermedia"),
        ("×Brassocattleya hybrida", "brassocattleya hybrida"),
        ("Aloe compressa var. schistophila", "aloe compressa schistophila"),
        ("Ursus arctos isabellinus Horsfield, 1826", "ursus arctos isabellinus"),
        ("Ursus arctos ssp. isabellinus", "ursus arctos isabellinus"),
        ("Rhampholeon temporalis ", "rhampholeon temporalis"),
        ('Woodworthia "Southern Alps"', "woodworthia southern alps"),
        ("Python_regius", "python regius"),
        ("", ""),
        (" (Shaw) ", ""),
    ],
)
def test_a_name_has_one_key_however_it_is_written(written, key):
    assert scientific_key(written) == key


@pytest.mark.parametrize(
    "written",
    [
        "Falco cherrug x Falco rusticolus",
        "Falco cherrug × Falco rusticolus",
        "FALCO CHERRUG X FALCO RUSTICOLUS",
        "Falco peregrinus brookei X F. rusticolus",
        "Falco cherrug (hybrid)",
        "Falco cherrug [hybrid with rusticolus]",
        "Falco cherrug hybrids",
        "Falco cherrug and Falco rusticolus",
        "Falco cherrug & rusticolus",
        "Falco cherrug; Falco rusticolus",
    ],
)
def test_what_is_said_of_two_taxa_has_the_key_of_none(written):
    """A hybrid of Appendices I and II is in I: the second parent must not go unseen."""
    key = scientific_key(written)
    assert key not in {"falco cherrug", "falco peregrinus brookei", "falco rusticolus", "falco"}
    assert scientific_key(key) == key


@pytest.mark.parametrize(
    "written",
    ["Falco cherrug Gray & Hardwicke, 1834", "Falco cherrug (Gray and Smith, 1834)", "Falco cherrug Gray et al."],
)
def test_several_authors_are_not_several_taxa(written):
    assert scientific_key(written) == "falco cherrug"


@given(
    genus=st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True),
    epithet=st.from_regex(r"[a-z]{4,12}", fullmatch=True).filter(lambda word: word != "species"),
    spoil=st.sampled_from(
        [
            str.upper,
            str.lower,
            lambda name: f"  {name.replace(' ', '   ')} ",
            lambda name: f"{name} (Linnaeus, 1758)",
            lambda name: f"{name} Linnaeus",
            lambda name: name.replace(" ", " × "),
            lambda name: name.replace(" ", "\u00a0"),
        ]
    ),
)
@settings(max_examples=100, deadline=None)
def test_tolerated_spellings_change_nothing_and_a_key_is_its_own_key(genus, epithet, spoil):
    name = f"{genus} {epithet}"
    assert scientific_key(spoil(name)) == scientific_key(name)
    assert scientific_key(scientific_key(name)) == scientific_key(name)


def test_an_endless_name_takes_no_time():
    assert len(scientific_key("Aaaa " * 100_000)) <= 200
