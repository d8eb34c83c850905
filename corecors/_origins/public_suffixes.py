"""Public suffixes: domains below which anyone can register a name, such as `com`, `co.uk` or `github.io`.

The list of https://publicsuffix.org, its private section included, comes with the package `publicsuffixlist` (extra
`psl`) and is read when a policy first needs it. Without that package a single label is taken for a public suffix, and
so are the domains of `WELL_KNOWN`. Those of `UNLISTED` are in either case, unless it is asked what a browser does.
"""

from functools import cache
from typing import Final, NamedTuple

# Names below these are nobody's to register in public: RFC 6761, RFC 6762 (`local`: the own network's), and ICANN's
# reservation of `internal` (2024). Not so `onion` and `alt`, where anyone makes names.
UNREGISTRABLE: Final = frozenset({"example", "internal", "invalid", "local", "localhost", "test"})

# What people write a wildcard over by mistake when their own site is one of many there: hosts of previews, sites and
# functions where an account is free, and the largest registries that sell names below a second label. Ten thousand
# suffixes are missing here, which is why the list is worth installing.
WELL_KNOWN: Final = (
    # sites and previews
    "github.io gitlab.io pages.dev workers.dev netlify.app vercel.app now.sh web.app firebaseapp.com surge.sh "
    "onrender.com fly.dev herokuapp.com deno.dev replit.app ondigitalocean.app streamlit.app "
    "hf.space ngrok.io ngrok.app ngrok-free.app trycloudflare.com csb.app "
    "myshopify.com blogspot.com "
    # clouds
    "s3.amazonaws.com *.elb.amazonaws.com *.compute.amazonaws.com cloudfront.net amplifyapp.com elasticbeanstalk.com "
    "azurewebsites.net cloudapp.net azurestaticapps.net blob.core.windows.net "
    "appspot.com *.run.app cloudfunctions.net *.digitaloceanspaces.com "
    # registries
    "co.uk org.uk ac.uk gov.uk com.au org.au co.nz co.za co.jp co.kr co.in com.br com.mx com.ar com.tr com.cn com.tw "
    "com.hk com.sg com.my co.id co.th com.ua co.il com.pl"
).split()

# The list has what its owners asked for. These have not, and whoever wants a page below them has one in a minute: a
# codespace, a tunnel to the own machine, a name for any address. Developers write them into their lists all the same.
UNLISTED: Final = (
    # tunnels
    "loca.lt lhr.life serveo.net *.devtunnels.ms *.pinggy.link share.zrok.io "
    # editors and previews
    "github.dev app.github.dev *.gitpod.io stackblitz.io *.webcontainer.io glitch.me "
    # a name for every address, which stands in it
    "nip.io sslip.io xip.io traefik.me"
).split()


class _Index(NamedTuple):
    rules: frozenset[str]
    above: frozenset[str]  # every domain with a suffix below it


def is_public_suffix(domain: str) -> bool:
    """Whether anyone may have names directly below `domain` (lower case, Punycode, no trailing dot)."""
    return _is_suffix(domain, _index(True).rules)


def is_listed_suffix(domain: str) -> bool:
    """The same as browsers know it, by the list alone: it tells them which hosts are of one site."""
    return _is_suffix(domain, _index(False).rules)


def _is_suffix(domain: str, rules: frozenset[str]) -> bool:
    """Source: https://github.com/publicsuffix/list/wiki/Format"""
    _, dot, last = domain.rpartition(".")
    if last in UNREGISTRABLE:
        return False
    if not dot:
        return True
    parent = domain.partition(".")[2]
    # Each name directly below the `ck` of `*.ck` is a suffix, and so `ck` is counted itself; `!www.ck` is an exception.
    return f"!{domain}" not in rules and not rules.isdisjoint((domain, f"*.{domain}", f"*.{parent}"))


def has_public_suffix_at_or_below(domain: str) -> bool:
    """Whether `domain` or a domain below it is a public suffix: `windows.net`, for the sake of `blob.core.windows.net`.

    A wildcard that stands for several labels reaches the names of all of them.
    """
    return is_public_suffix(domain) or domain in _index(True).above


def knows_public_suffixes() -> bool:
    """Whether the whole list is installed, or only single labels and the best known suffixes are known."""
    return _listed_rules() is not None


@cache
def _index(with_unlisted: bool) -> _Index:
    rules = [*(_listed_rules() or WELL_KNOWN), *(UNLISTED if with_unlisted else ())]
    above: set[str] = set()
    for rule in rules:
        domain = rule  # what is above a wildcard, and so above an exception, is a suffix itself
        while (domain := domain.partition(".")[2]) and domain not in above:  # else what is above it is there, too
            above.add(domain)
    return _Index(frozenset(rules), frozenset(above))


@cache
def _listed_rules() -> tuple[str, ...] | None:
    """The rules of the installed list, in Punycode; None where there is none."""
    from importlib.resources import files

    try:
        data = files("publicsuffixlist") / "public_suffix_list.dat"
        lines = data.read_text(encoding="utf-8").splitlines()
    except (ImportError, OSError):
        return None
    rules = (line.split(maxsplit=1)[0] for line in lines if line.strip() and not line.startswith("//"))
    return tuple(rule if rule.isascii() else rule.encode("idna").decode("ascii") for rule in rules)
