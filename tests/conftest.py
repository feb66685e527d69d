"""A template pack with two drawings of a few lines, for tests that need whole datasets quickly; a bad web server."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from misbehaving import MisbehavingServer

pytest_plugins = ["pytester"]

# A busy machine may take long over a small thing; how fast things are is what benchmarks measure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

FILES = {
    "template.yaml": """
name: tiny
title: Tiny
description: Two garments.
columns: {website_name: Tiny, competence_date: "2024-01-01", country_code: GBR, currency_code: GBP, brand: TINY}
urls: {item: "https://shop.tiny.example/{slug}-p{code}", image: "https://img.tiny.example/{guid}"}
codes: {type: string, prefixes: "TN/ 1, tn. 1", digits: 4, suffix: "-A"}
euro_rate: "1.17"
colourways: 1 3, 2 1
discounts: {share: 0.4, steps: {"0.3": 1, "0.5": 1}}
splits: {train: 0.8, validation: 0.2}
locale: en_GB
""",
    "catalog.yaml": """
lines:
  sacks:
    shape: sack
    places: {"WOMAN > BAGS > SACKS": [3, 120]}
    forms: {"{pattern} {word} Sack": 2, "{word} Sack": 1}
    slots: {pattern: Check 1, word: {faker: last_name, count: 60}}
    spread: 0.2
  tunics:
    shape: tunic
    places: {"MAN > CLOTHES > TUNICS": [3, 80]}
    forms: {"{word} Tunic": 1}
    slots: {word: {faker: city, count: 60}}
    spread: 0.2
price_points: {main: {"60": 1, "80": 2, "100": 2, "120.5": 2, "150": 1}}
""",
    "lexicon.yaml": "patterns: {check: [Check]}\n",
    "palette.yaml": """
colours: {black: [28, 28, 30], red: [190, 40, 40], sand: [214, 198, 170]}
palettes: {all: {black: 1, red: 1, sand: 1}}
hardware: {sand: 1}
""",
    "materials.yaml": "wool: {weave: twill, trim: leather}\nleather: {weave: leather, trim: leather}\n",
    "garments.yaml": """
sack: {materials: {leather: 1}, palette: all}
tunic: {materials: {wool: 1}, palette: all}
""",
    "shapes/sack.svg": """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">
  <path id="strap" data-role="trim" d="M380 300 L380 160 L620 160 L620 300 L580 300 L580 200 L420 200 L420 300 Z"/>
  <path id="body" data-role="main" data-volume="0.6" d="M250 300 L750 300 L800 860 L200 860 Z"/>
</svg>""",
    "shapes/tunic.svg": """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">
  <path id="body" data-role="main" data-folds="hang" d="M330 150 L670 150 L720 880 L280 880 Z"/>
  <path id="hem" class="stitch" d="M290 850 L710 850"/>
</svg>""",
}


@pytest.fixture(scope="session", autouse=True)
def _hear_interrupts() -> Iterator[None]:
    """Let processes hear Ctrl-C also where the tests run in the background of a script, which is deaf to it."""
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if deaf:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if deaf:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a pack with string product codes (of awkward letters), discounts and two shapes."""
    root = tmp_path_factory.mktemp("packs") / "tiny"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.fixture
def tiny_pack_path(tiny_pack: str) -> Path:
    return Path(tiny_pack)


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    found = MisbehavingServer()
    yield found
    found.close()
