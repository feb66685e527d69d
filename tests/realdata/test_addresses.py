import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplegen.realdata.addresses import check_url, host_of, is_public
from samplegen.realdata.failures import PictureFailure

# From the special-purpose registries of RFC 6890 and its successors.
PRIVATE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *(
        "::",
        "::1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%2",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_counts_the_same_inside_ipv6(address):
    number = int(address)
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | number)
    nat64 = ipaddress.IPv6Address((0x64FF9B << 96) | number)
    six_to_four = ipaddress.IPv6Address((0x2002 << 112) | (number << 80))

    assert {is_public(wrapped) for wrapped in (mapped, nat64, six_to_four)} == {is_public(address)}


@given(st.text(max_size=60))
def test_any_text_is_an_address_with_a_host_or_is_refused_with_a_reason(text):
    refused = None
    try:
        url = check_url(text)
    except PictureFailure as failure:
        refused = failure
    assert refused.reason if refused else host_of(url).rpartition(":")[0]


def test_what_belongs_together_has_one_key():
    assert host_of("https://Shop.example/a") == host_of("https://shop.example:443/b") == "shop.example:443"
    assert host_of("http://shop.example/a") == "shop.example:80"


def test_addresses_without_a_scheme_become_https():
    assert check_url(" //img.shop.example/1.jpg ") == "https://img.shop.example/1.jpg"
