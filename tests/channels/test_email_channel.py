"""The e-mail channel against a real SMTP server on loopback."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator
from email import policy
from pathlib import Path
from typing import Any

import alerts
import pytest
from mail_servers import DROP, PASSWORD, USERNAME, Authority, MailServer, mail_server, make_authority

from monitor.alert import compose
from monitor.channels.email import PASSWORD_VARIABLE, Email
from monitor.errors import DeliveryError
from monitor.settings import EmailSettings

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # servers we refuse on purpose

TO = "analyst@embassy.example"
MESSAGE = compose(
    alerts.alert(),
    sender="Accession monitor <monitor@monitor.example>",
    recipient=TO,
    topic_title="NATO accession",
    now=alerts.NOW,
)
SECRET = {PASSWORD_VARIABLE: PASSWORD}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate for localhost."""
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def plain() -> Iterator[MailServer]:
    """A server without encryption and login."""
    with mail_server() as server:
        yield server


def settings(server: MailServer, **changes: Any) -> EmailSettings:
    """Settings for ``server``, without encryption unless told otherwise."""
    base: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "from": "Accession monitor <monitor@monitor.example>",
        "to": (TO,),
        "timeout": "5s",
    }
    return EmailSettings(**(base | changes))


def channel(server: MailServer, *, environment: dict[str, str] | None = None, **changes: Any) -> Email:
    """The channel to ``server``."""
    return Email(settings(server, **changes), environment=environment or {})


def refusal(channel: Email, to: str = TO, message: bytes = MESSAGE) -> DeliveryError:
    """The error of a delivery that must fail."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(message, to)
    channel.close()
    return caught.value


def test_a_mail_arrives_as_it_was_composed(plain: MailServer) -> None:
    """Envelope, headers, text and HTML come through; line ends are CRLF on the wire; the reply is given back."""
    mail = channel(plain)
    assert mail.send(MESSAGE, TO) == "250 2.0.0 queued as 1"
    mail.close()
    [taken] = plain.box
    assert (taken.sender, taken.recipients) == ("monitor@monitor.example", [TO])
    assert taken.content.replace(b"\r\n", b"\n") == MESSAGE
    assert b"\n" not in taken.content.replace(b"\r\n", b"")
    parsed = email.message_from_bytes(taken.content, policy=policy.default)
    assert parsed["Subject"] == '[NATO accession] Ukraine: Kyiv calls talks "very toxic" (3 outlets, negative)'
    assert parsed["Message-ID"] == "<alert-7.5f0c@monitor.example>"
    assert "very toxic" in parsed.get_body(("plain",)).get_content()
    assert "<mark" in parsed.get_body(("html",)).get_content()


def test_starttls_with_login(authority: Authority) -> None:
    """The certificate is checked against ca_file, and the password goes over the encrypted connection."""
    with mail_server(tls=authority.context, starttls=True, auth=True) as server:
        mail = channel(
            server,
            host="localhost",
            security="starttls",
            ca_file=authority.ca_file,
            username=USERNAME,
            environment=SECRET,
        )
        assert "logged in as monitor" in mail.check()
        assert mail.send(MESSAGE, TO).startswith("250")
        mail.close()
    assert len(server.box) == 1
    assert server.logins == [(USERNAME, PASSWORD)]


def test_tls_from_the_start_with_a_password_file(authority: Authority, tmp_path: Path) -> None:
    """security: tls, and a password file under systemd's credentials; the line end in the file is no part of it."""
    (tmp_path / "smtp").write_text(PASSWORD + "\n")
    with mail_server(tls=authority.context, auth=True, auth_needs_tls=False) as server:
        mail = channel(
            server,
            host="localhost",
            security="tls",
            ca_file=authority.ca_file,
            username=USERNAME,
            password_file="${CREDENTIALS_DIRECTORY}/smtp",
            environment={"CREDENTIALS_DIRECTORY": str(tmp_path)},
        )
        mail.send(MESSAGE, TO)
        mail.close()
    assert len(server.box) == 1


def test_a_password_beyond_ascii_works(authority: Authority, tmp_path: Path) -> None:
    """RFC 4616: AUTH PLAIN carries UTF-8. The systemd credential is found by its own name."""
    (tmp_path / "smtp_password").write_text("пароль", encoding="utf-8")
    with mail_server(tls=authority.context, starttls=True, auth=True) as server:
        mail = channel(
            server,
            host="localhost",
            security="starttls",
            ca_file=authority.ca_file,
            username=USERNAME,
            environment={"CREDENTIALS_DIRECTORY": str(tmp_path)},
        )
        mail.send(MESSAGE, TO)
        mail.close()
    assert server.logins == [(USERNAME, "пароль")]


def test_one_connection_serves_several_mails(plain: MailServer) -> None:
    """A refused recipient in between does not cost the connection either."""
    plain.faults["gone@embassy.example"] = ["550 5.1.1 no such user"]
    mail = channel(plain)
    mail.send(MESSAGE, TO)
    with pytest.raises(DeliveryError):
        mail.send(MESSAGE, "gone@embassy.example")
    mail.send(MESSAGE, "second@embassy.example")
    mail.close()
    assert [taken.recipients for taken in plain.box] == [[TO], ["second@embassy.example"]]
    assert plain.connections == 1


def test_a_connection_that_died_is_opened_again(plain: MailServer) -> None:
    """The server restarted between two mails: the second goes out over a new connection."""
    mail = channel(plain)
    mail.send(MESSAGE, TO)
    plain.hang_up_on_everybody()
    mail.send(MESSAGE, TO)
    mail.close()
    assert len(plain.box) == 2
    assert plain.connections == 2


def test_a_channel_can_be_used_after_close(plain: MailServer) -> None:
    """close() lets go of the connection, not of the channel."""
    mail = channel(plain)
    mail.send(MESSAGE, TO)
    mail.close()
    mail.close()
    mail.send(MESSAGE, TO)
    mail.close()
    assert len(plain.box) == 2


def test_several_threads_may_send(plain: MailServer) -> None:
    """Messages go one after the other over one connection."""
    mail = channel(plain)
    threads = [threading.Thread(target=mail.send, args=(MESSAGE, f"a{n}@embassy.example")) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    mail.close()
    assert sorted(taken.recipients[0] for taken in plain.box) == [f"a{n}@embassy.example" for n in range(6)]
    assert plain.connections == 1


# --- faults of one message ------------------------------------------------------------------------------------------


def test_a_greylisted_mail_is_taken_on_the_second_try(plain: MailServer) -> None:
    """451 may be tried again, and other mails may go on meanwhile."""
    plain.faults[TO] = ["451 4.7.1 greylisted, try again in 5 minutes"]
    mail = channel(plain)
    with pytest.raises(DeliveryError, match=r"451 4\.7\.1 greylisted") as caught:
        mail.send(MESSAGE, TO)
    assert (caught.value.permanent, caught.value.code, caught.value.stop) == (False, 451, False)
    assert mail.send(MESSAGE, TO).startswith("250")
    mail.close()


def test_an_unknown_recipient_is_given_up(plain: MailServer) -> None:
    """550 is final for this mail, and says so with the server's words."""
    plain.faults[TO] = ["550 5.1.1 no such user"]
    error = refusal(channel(plain))
    assert (error.permanent, error.code, error.stop) == (True, 550, False)
    assert "no such user" in str(error) and TO in str(error)


@pytest.mark.parametrize(
    ("reply", "permanent", "stop"),
    [
        ("554 5.7.1 looks like spam", True, False),
        ("452 4.3.1 disk full", False, False),
        ("421 4.3.2 shutting down", False, True),
    ],
)
def test_a_message_can_be_refused_after_data(plain: MailServer, reply: str, permanent: bool, stop: bool) -> None:
    """The reply to the end of DATA counts like one to RCPT; 421 says that the server goes away for everybody."""
    plain.refuse_data = [reply]
    error = refusal(channel(plain))
    assert (error.permanent, error.stop, str(error.code)) == (permanent, stop, reply[:3])


def test_a_connection_dropped_at_the_recipient_may_be_tried_again(plain: MailServer) -> None:
    """No reply at all is not a no."""
    plain.faults[TO] = [DROP]
    mail = channel(plain)
    with pytest.raises(DeliveryError, match="connection lost") as caught:
        mail.send(MESSAGE, TO)
    assert (caught.value.permanent, caught.value.code) == (False, None)
    assert mail.send(MESSAGE, TO).startswith("250")
    mail.close()


def test_a_connection_dropped_after_data_is_retried_with_the_same_message_id(plain: MailServer) -> None:
    """Nobody knows whether it was taken; twice the same Message-ID is shown once."""
    plain.after_data = [DROP]
    mail = channel(plain)
    with pytest.raises(DeliveryError) as caught:
        mail.send(MESSAGE, TO)
    assert not caught.value.permanent
    mail.send(MESSAGE, TO)
    mail.close()
    ids = {email.message_from_bytes(taken.content)["Message-ID"] for taken in plain.box}
    assert len(plain.box) == 2 and len(ids) == 1


def test_a_server_that_hangs_is_left_after_the_timeout(plain: MailServer) -> None:
    """The timeout of the settings ends the wait; the mail may be tried again."""
    plain.hang = threading.Event()
    error = refusal(channel(plain, timeout="0.2s"))
    assert not error.permanent
    assert "no answer in time" in str(error)


def test_a_mail_over_the_servers_limit_is_refused_before_it_is_sent() -> None:
    """SIZE (RFC 1870) tells it in advance."""
    with mail_server(size_limit=1000) as server:
        error = refusal(channel(server))
    assert (error.permanent, error.code) == (True, 552)
    assert "the server takes 1000" in str(error)


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a b@x.example", "a@x.example\r\nRCPT TO:<b@x.example>", "a@", "@x.example", "a@ü..example"],
)
def test_what_is_no_address_is_refused_without_a_connection(plain: MailServer, address: str) -> None:
    """No command can be smuggled in by an address."""
    assert refusal(channel(plain), to=address).permanent
    assert plain.connections == 0


def test_lines_that_look_like_smtp_are_only_text(plain: MailServer) -> None:
    """A lone dot, bare line feeds and bare carriage returns in a message neither end it nor begin another."""
    tricky = b"Message-ID: <x@y>\nSubject: t\n\none\r.\rtwo\n.\nMAIL FROM:<evil@x.example>\n"
    mail = channel(plain)
    mail.send(tricky, TO)
    mail.close()
    [taken] = plain.box
    assert taken.content.endswith(b"one\r\n.\r\ntwo\r\n.\r\nMAIL FROM:<evil@x.example>\r\n")


# --- faults of the channel ------------------------------------------------------------------------------------------


def test_a_server_that_is_away_stops_the_run() -> None:
    """Nothing listens: no other mail would fare better, and none is given up."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = refusal(channel(MailServer(port=unused.getsockname()[1])))
    assert (error.permanent, error.stop) == (False, True)
    assert "127.0.0.1" in str(error)


def test_a_wrong_password_stops_the_run_after_one_try(authority: Authority) -> None:
    """535 would lock the account in a loop: one try, stop, mails are kept, the password is not in the message."""
    with mail_server(tls=authority.context, starttls=True, auth=True) as server:
        error = refusal(
            channel(
                server,
                host="localhost",
                security="starttls",
                ca_file=authority.ca_file,
                username=USERNAME,
                environment={PASSWORD_VARIABLE: "wrong-secret"},
            )
        )
    assert (error.permanent, error.stop, error.code) == (False, True, 535)
    assert len(server.logins) == 1
    assert "wrong-secret" not in str(error) and "login as monitor refused" in str(error)


def test_the_password_never_goes_over_plain_text_unless_allowed(authority: Authority) -> None:
    """Without encryption the server is not even asked; allow_plain_login makes an exception."""
    with mail_server(auth=True, auth_needs_tls=False) as server:
        error = refusal(channel(server, username=USERNAME, environment=SECRET))
        assert (error.permanent, error.stop) == (False, True)
        assert "without encryption" in str(error)
        assert server.connections == 0
        allowed = channel(server, username=USERNAME, environment=SECRET, allow_plain_login=True)
        allowed.send(MESSAGE, TO)
        allowed.close()
    assert server.logins == [(USERNAME, PASSWORD)]


def test_a_server_that_wants_tls_before_login_gets_no_password() -> None:
    """It offers no AUTH on the plain connection, so nothing is tried, even where plain login is allowed."""
    with mail_server(auth=True, auth_needs_tls=True) as server:
        error = refusal(channel(server, username=USERNAME, environment=SECRET, allow_plain_login=True))
    assert error.stop and not error.permanent
    assert server.logins == []


def test_a_server_that_wants_a_login_stops_the_run_when_we_have_none() -> None:
    """530 on MAIL is about the channel, though it comes late: the mails are kept."""
    with mail_server(auth=True, auth_needs_tls=False) as server:
        error = refusal(channel(server))
    assert (error.permanent, error.stop, error.code) == (False, True, 530)


def test_a_server_without_starttls_gets_no_mail(plain: MailServer) -> None:
    """No falling back to plain text: somebody in between may have taken STARTTLS out."""
    error = refusal(channel(plain, security="starttls"))
    assert error.stop and not error.permanent
    assert "STARTTLS" in str(error)
    assert plain.box == []


def test_an_unknown_authority_is_not_trusted(authority: Authority) -> None:
    """Without ca_file a self-signed certificate is refused, by STARTTLS and by TLS, and the message names the option."""
    for starttls in (True, False):
        with mail_server(tls=authority.context, starttls=starttls) as server:
            error = refusal(channel(server, host="localhost", security="starttls" if starttls else "tls"))
        assert error.stop and not error.permanent
        assert "ca_file" in str(error)
        assert server.box == []


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """The name in the certificate must be the host of the config."""
    other = make_authority(tmp_path, host="mail.other.example")
    with mail_server(tls=other.context, starttls=True) as server:
        error = refusal(channel(server, host="localhost", security="starttls", ca_file=other.ca_file))
    assert error.stop and "certificate" in str(error)


@pytest.mark.parametrize("where", ["nowhere", "missing file"])
def test_a_missing_password_is_said_and_stops_the_run(plain: MailServer, where: str, tmp_path: Path) -> None:
    """The message says where the password was looked for."""
    file = tmp_path / "none" if where == "missing file" else None
    error = refusal(channel(plain, username=USERNAME, password_file=file, allow_plain_login=True))
    assert error.stop and not error.permanent
    assert (str(tmp_path) if file else PASSWORD_VARIABLE) in str(error)


def test_a_missing_ca_file_stops_the_run(authority: Authority, tmp_path: Path) -> None:
    """A wrong path in the config loses no mail."""
    with mail_server(tls=authority.context, starttls=True) as server:
        error = refusal(channel(server, host="localhost", security="starttls", ca_file=tmp_path / "none.pem"))
    assert error.stop and not error.permanent


def test_a_wrong_sender_in_the_config_stops_the_run(plain: MailServer) -> None:
    """The mails are not at fault for it."""
    error = refusal(channel(plain, **{"from": "monitor@b..example"}))
    assert error.stop and not error.permanent
    assert "alerts.email.from" in str(error)


# --- addresses beyond ASCII -----------------------------------------------------------------------------------------


def composed_for(recipient: str) -> bytes:
    """The usual mail, to somebody else."""
    return compose(
        alerts.alert(), sender="monitor@monitor.example", recipient=recipient, topic_title="NATO", now=alerts.NOW
    )


def test_a_domain_beyond_ascii_needs_nothing_special() -> None:
    """It is written as an A-label, which every server takes."""
    to = "Аналітик <analyst@приклад.example>"
    with mail_server(utf8=False) as server:
        mail = channel(server)
        mail.send(composed_for(to), to)
        mail.close()
    assert server.box[0].recipients == ["analyst@xn--80aikifvh.example"]


def test_a_name_beyond_ascii_needs_a_server_that_takes_it() -> None:
    """SMTPUTF8 is asked for where it is needed, and a server without it is a final no for this recipient alone."""
    to = "аналітик@embassy.example"
    message = composed_for(to)
    with mail_server() as server:
        mail = channel(server)
        mail.send(message, to)
        mail.close()
    assert server.box[0].recipients == [to]
    assert "SMTPUTF8" in server.box[0].options
    with mail_server(utf8=False) as server:
        error = refusal(channel(server), to=to, message=message)
    assert error.permanent and not error.stop
