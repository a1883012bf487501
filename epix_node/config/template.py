"""The file that ``epix-node init`` writes: every setting with its default and what it is for.

What ``init`` decides is set; everything else stands as a comment that gives the default, so that a later release may
give a better one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from string import Template

from epix_node.config.settings import CoveragePromise

_FILE = Template("""\
# How this EPIX node behaves. Written by `epix-node init`.
#
# A line that begins with "# " and a setting gives the default: take the "# " away to change it. Each setting can also
# be given as a variable, which wins: EPIX_<SECTION>__<NAME>, such as EPIX_SERVER__LISTEN=127.0.0.1:8081.
# Times are written "60s", "10m", "1h" or "7d". Relative paths start at the directory above this one.
# After a change, restart the node. `epix-node doctor` says what would stop it from working.

[party]
# The Party whose authority this node works for: ISO 3166-1 alpha-2, or EU. Certificates and register carry it.
code = $code
# What people call the authority; for texts only.
$name
# sandbox, uat or prod. Nothing of one ever counts in another.
environment = $environment
# The issuer codes that this node speaks for, such as a Party and its territories.
# issues_for = [$code]
# The zone in which calendar days are counted: a permit is in force to the end of its last day there.
# timezone = "UTC"
# Issuers of the same customs union: endorsing their permits is nothing to review (END-11).
# customs_union = []
# Goods that left in time and arrive after the permit's last day: accept_if_exported_in_time, or refuse.
# import_after_expiry = "accept_if_exported_in_time"
# What this Party promises to publish: permits of these types (E, R, I, O), issued from this day on, within so many
# hours. Other nodes may then say of a number that is not in the register: never issued. Without a promise they say
# unknown.
$coverage

[server]
# Where the node listens: HOST:PORT. Outside of the sandbox, a proxy in front of it speaks TLS.
listen = $listen
# The address at which other nodes reach it, without a path of its own unless a proxy takes it away again.
base_url = $base_url
# Processes that answer requests. This release runs one, whatever stands here.
# workers = 1

[store]
# The database: a file, or a database on a PostgreSQL server, postgresql+psycopg://USER@HOST:PORT/NAME, for which
# `pip install 'epix-node[postgresql]'`. Its password belongs in ~/.pgpass or the variable PGPASSWORD.
$store

[keys]
# Where the private keys are, encrypted, readable by the node's own account only.
# directory = "keys"
# A file whose first line is their passphrase, readable by the node's own account only, best on another disk than the
# keys. Absent: the variable EPIX_KEY_PASSPHRASE, or whoever starts the node types it.
$passphrase_file
# A signing key in a PKCS#11 token (an HSM): the vendor's library, the token's label and the key's label, all three or
# none. Such a key never leaves its token. `epix-node keys generate signing --in-token` makes one.
# pkcs11_module = "/usr/lib/softhsm/libsofthsm2.so"
# pkcs11_token = "epix"
# pkcs11_key = "signing"
# A file whose first line is the token's PIN. Absent: the variable EPIX_KEY_PIN, or whoever starts the node types it.
# pin_file = "/run/credentials/epix-pin"

[federation]
# Where the Secretariat publishes the trust list, which says whose keys count. Absent: this node stands alone.
$trust_list
# The root of the trust list: the file that was compared with the printed fingerprint, and is never fetched.
# root = "federation/root.json"
# The peers to pull from; absent: every Party in the trust list.
# follow = ["XB", "XC"]
# How often each peer is asked.
# poll_interval = "60s"
# Whether peers may have addresses of private networks and of this machine. True in the sandbox unless set.
# private_addresses = $private_addresses

[register]
# Who may witness a register: the Parties whose cosignatures count here, of this node's own register and of others. No
# Party counts for its own register. Empty: every Party in the trust list.
# witnesses = []
# How many of them must have cosigned before an entry is WITNESSED; until then it is LOGGED, and nothing waits for it.
# quorum = 2
# A file in the format of c2sp.org/tlog-policy, such as "config/witnesses.policy", in place of the two above.
# policy = ""

[reference]
# Where `epix-node reference load` keeps species, quotas, suspensions and the like.
# file = "data/reference.sqlite"

[rules]
# Stricter measures of this country, and who uses security stamps: see `epix-node rules list`. A file that is named
# here must be there; without it the rules are those of CITES.
# national = "config/rules.toml"

[limits]
# Largest signed document or permit XML, in bytes.
# document_bytes = 1048576
# Largest JSON file that a command reads, in bytes.
# json_bytes = 4194304
# Most entries in one page of the feed.
# feed_entries = 500

[freshness]
# A mirror of another register is fresh so long after the time that its checkpoint carries,
# mirror_fresh = "1h"
# and stale so long; then verdicts say that they cannot tell.
# mirror_stale = "7d"
# A document that its register took later than this after its signature is marked BACKDATED.
# max_merge_delay = "24h"

[notify]
# Who is told when a finding of class A opens; nobody unless set. `epix-node notify test` tries it.
# Where the finding is posted to as JSON: https, or http on this machine.
# webhook_url = "https://office.example.org/epix-notices"
# A file whose first line is the secret that signs each notice (EPIX-Signature), readable by the node's account only.
# webhook_secret_file = "/run/credentials/epix-webhook-secret"
# Who gets a letter, from whom, and by which server: HOST:PORT.
# email_to = ["cites@office.example.org"]
# email_from = "epix-node@office.example.org"
# smtp_server = "mail.example.org:587"
# How the connection to it is encrypted: starttls, tls from the start (port 465), or none on this machine.
# smtp_security = "starttls"
# Who logs in there, and a file whose first line is the password.
# smtp_user = "epix-node"
# smtp_password_file = "/run/credentials/epix-smtp-password"

[sandbox]
# The file of the clock that the nodes of a demonstration share; absent: this machine's clock. Sandbox only.
$clock
""")


def default_toml(
    *,
    code: str,
    environment: str,
    base_url: str,
    listen: str,
    coverage: Sequence[CoveragePromise],
    name: str | None = None,
    clock: str | None = None,
    trust_list: str | None = None,
    passphrase_file: str | None = None,
    store: str | None = None,
) -> str:
    """The text of ``epix-node.toml`` for a new node."""
    return _FILE.substitute(
        code=_text(code),
        name=f"name = {_text(name)}" if name is not None else '# name = "CITES Management Authority"',
        environment=_text(environment),
        coverage=f"coverage = [{', '.join(_promise(one) for one in coverage)}]" if coverage else "# coverage = []",
        listen=_text(listen),
        base_url=_text(base_url),
        private_addresses="true" if environment == "sandbox" else "false",
        trust_list=(
            f"trust_list = {_text(trust_list)}" if trust_list else '# trust_list = "https://trust.example.org/tuf/"'
        ),
        store=f"url = {_text(store)}" if store is not None else '# url = "sqlite:///data/epix-node.sqlite"',
        passphrase_file=(
            f"passphrase_file = {_text(passphrase_file)}"
            if passphrase_file is not None
            else '# passphrase_file = "/run/credentials/epix-passphrase"'
        ),
        clock=f"clock = {_text(clock)}" if clock is not None else '# clock = "../clock.txt"',
    )


def _promise(promise: CoveragePromise) -> str:
    members = [f"types = [{', '.join(_text(one) for one in promise.types)}]"]
    if promise.issued_from is not None:
        members.append(f"issued_from = {promise.issued_from.isoformat()}")
    members.append(f"published_within_h = {promise.published_within_h}")
    return f"{{{', '.join(members)}}}"


def _text(value: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's, but for DEL, which TOML wants escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
