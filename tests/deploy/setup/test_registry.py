"""uv is told what pip's configuration says, whatever that is, and nothing else."""

from pathlib import Path

from deploy.setup.registry import parse, translate


def test_the_environment_wins_over_files_and_install_over_global() -> None:
    listing = "\n".join(
        [
            ":env:.index-url='https://env.example/simple'",
            "global.index-url='https://global.example/simple'",
            "global.timeout='7'",
            "install.timeout='9'",
            "list.format='columns'",
        ]
    )
    assert parse(listing) == {"index-url": "https://env.example/simple", "timeout": "9"}


def test_an_address_goes_to_uv_as_pip_has_it() -> None:
    options = {
        "index-url": "https://a.example/simple",
        "extra-index-url": "https://b.example https://c.example",
    }
    said = translate(options, {})
    assert said["UV_DEFAULT_INDEX"] == "https://a.example/simple"
    assert said["UV_INDEX"] == "https://b.example https://c.example"


def test_what_the_person_told_uv_itself_stays() -> None:
    options = {"index-url": "https://a.example/simple", "cert": "/pip.pem"}
    said = translate(options, {"UV_DEFAULT_INDEX": "https://own.example/simple", "SSL_CERT_FILE": "/own.pem"})
    assert said == {}


def test_folders_of_wheels_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    said = translate({"find-links": f"/not/there {tmp_path} https://wheels.example/"}, {})
    assert said == {"UV_FIND_LINKS": f"{tmp_path},https://wheels.example/"}


def test_no_configuration_says_nothing() -> None:
    assert translate(parse(""), {}) == {}
