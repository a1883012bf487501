"""What annotations say about populations: the usual sentences, and silence about all others."""

import pytest

from epix_node.reference.population import UNCLEAR, WHOLE, Covered, Extent, read_scope

YES, NO, MAYBE = Covered.YES, Covered.NO, Covered.MAYBE

ELEPHANT_I = (
    "Included in Appendix\u00a0I, except the populations of Botswana, Namibia, South Africa and Zimbabwe, which are"
    " included in Appendix II."
)
CROCODILE_II = (
    "Populations of Botswana, Egypt (subject to a zero quota for wild specimens traded for commercial purposes),"
    " Ethiopia, the United Republic of Tanzania (subject to an annual export quota of no more than 1,600 wild specimens"
    " including hunting trophies, in addition to ranched specimens), Zambia and Zimbabwe. "
)
VICUNA_II = (
    "Only the populations of Argentina (the populations of the Provinces of Jujuy and Catamarca and the semi-captive"
    " populations of the Provinces of Jujuy, Salta, Catamarca, La Rioja and San Juan), Chile (population of the Primera"
    " Región), Ecuador (the whole population) and the Plurinational State of Bolivia (the whole population)"
)
CAIMAN_I = (
    "Included in Appendix I, except for the population of Brazil, which is included in Appendix II, and the population"
    " of Ecuador, which is included in Appendix II and is subject to a zero annual export quota until an annual export"
    " quota has been approved by the CITES Secretariat and the IUCN/SSC Crocodile Specialist Group."
)
SALTWATER_II = (
    "Only the populations of Australia, Malaysia [wild harvest restricted to the State of Sarawak and a zero quota for"
    " wild specimens for the other States of Malaysia (Sabah and Peninsular Malaysia)] and the Philippines [population"
    " of the Palawan Islands, subject to a zero annual export quota]; all other populations are included in Appendix I."
)


@pytest.mark.parametrize(
    ("annotation", "extent", "countries", "parts"),
    [
        (ELEPHANT_I, Extent.EXCEPT, "BW NA ZA ZW", ""),
        ("Except the population of India, which is included in Appendix I.", Extent.EXCEPT, "IN", ""),
        ("Only the population of India; all other populations are included in Appendix II.", Extent.ONLY, "IN", ""),
        ("Only the population of the Russian Federation; no other population is included.", Extent.ONLY, "RU", ""),
        ("The populations of Nepal and Pakistan are included in Appendix I. All others", Extent.ONLY, "NP PK", ""),
        ("<i>Population</i> of Madagascar.", Extent.ONLY, "MG", ""),
        ("Population of Argentina (Included in CROCODYLIA spp.)", Extent.ONLY, "AR", ""),
        (CROCODILE_II, Extent.ONLY, "BW EG ET TZ ZM ZW", ""),
        (VICUNA_II, Extent.ONLY, "AR BO CL EC", "AR CL"),
        (CAIMAN_I, Extent.EXCEPT, "BR EC", ""),
        (SALTWATER_II, Extent.ONLY, "AU MY PH", "PH"),
    ],
)
def test_the_usual_sentences_are_understood(annotation, extent, countries, parts):
    scope = read_scope(annotation)
    assert scope.extent is extent
    assert scope.countries == frozenset(countries.split())
    assert scope.parts == frozenset(parts.split())


@pytest.mark.parametrize("annotation", ["", " ", "Excludes fossils.", "[FAMILY listing Ursidae spp.] ", "#4"])
def test_an_annotation_that_is_silent_about_populations_leaves_the_listing_whole(annotation):
    assert read_scope(annotation) == WHOLE


@pytest.mark.parametrize(
    "annotation",
    [
        "Neotropical populations.",
        "Only the population of Asia; all other populations are included in Appendix II.",
        "Except the population of West Greenland, which is included in Appendix II.",
        "Except the species included in Appendix I.",
        "All species and populations except South Africa and Swaziland populations of Ceratotherium simum simum",
        "Population of the Bay of Cispata, Department of Córdoba, Colombia, and the population of Cuba.",
        "Sauf les populations de l'Afrique du Sud et du Zimbabwe, qui sont inscrites à l'Annexe II.",
        "Populations of Botswana, Namibia and Neverland.",
    ],
)
def test_what_is_not_understood_may_be_anything(annotation):
    scope = read_scope(annotation)
    assert scope == UNCLEAR
    assert scope.covers("KE") is MAYBE


@pytest.mark.parametrize(
    ("annotation", "is_conditional"),
    [
        (
            "The populations of Botswana and Zimbabwe are listed in Appendix II for the exclusive purpose of allowing",
            True,
        ),
        (
            "Only the population of Chad; all others shall be deemed to be specimens of species included in Appendix I",
            True,
        ),
        ("Only the population of Eswatini.", False),
        (ELEPHANT_I, False),
    ],
    ids=["purpose", "deemed", "plain", "other side"],
)
def test_a_listing_for_some_purposes_leaves_all_others_in_appendix_i(annotation, is_conditional):
    assert read_scope(annotation).is_conditional is is_conditional


@pytest.mark.parametrize(
    ("annotation", "country", "covered"),
    [
        (ELEPHANT_I, "ZA", NO),
        (ELEPHANT_I, "NA", NO),
        (ELEPHANT_I, "KE", YES),
        (ELEPHANT_I, None, MAYBE),
        (ELEPHANT_I, "XA", MAYBE),
        (ELEPHANT_I, "XX", MAYBE),
        (ELEPHANT_I, "EU", MAYBE),
        (ELEPHANT_I, "nonsense", MAYBE),
        (VICUNA_II, "EC", YES),
        (VICUNA_II, "AR", MAYBE),
        (VICUNA_II, "PE", NO),
        ("Only the populations of China and Mongolia.", "HK", MAYBE),
        ("Only the populations of Chad and the Sudan.", "SS", MAYBE),
        ("", "XA", YES),
    ],
)
def test_a_country_is_covered_or_not_or_perhaps(annotation, country, covered):
    assert read_scope(annotation).covers(country) is covered
