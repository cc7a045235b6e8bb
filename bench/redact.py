"""How fast the redactor is: on logs in bulk and by line, on hostile texts, in a log call.

Run: `python bench/redact.py [--json FILE]`. Rates are MB of a second of CPU, so that other jobs on
the machine count for little. The hostile texts are 1 MiB each; each takes turns with a text without
secrets of the same size, and the ratio is the median of these rounds.
"""

import argparse
import base64
import importlib
import json
import logging
import platform
import random
import re
import statistics
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "bench"  # where this file would be found when `redact` is imported
sys.path = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

from redact import installed, redact_bytes, remember  # noqa: E402
from redact.linear import bare  # noqa: E402
from redact.patterns import KINDS  # noqa: E402

MIB = 1 << 20
CHANCE = random.Random(7)  # noqa: S311 - a bench repeats itself
LETTERS = string.ascii_letters + string.digits


def made_up(count: int) -> str:
    """Make random letters and digits."""
    return "".join(CHANCE.choice(LETTERS) for _ in range(count))


def log_lines(size: int, *, secrets_per_thousand: int) -> list[bytes]:
    """Make lines as servers write them, some with a key."""
    lines: list[bytes] = []
    total = 0
    while total < size:
        request = made_up(24)
        number = len(lines)
        forms = {
            "call": f"2026-03-01 10:11:12,345 INFO broker.call owner={CHANCE.getrandbits(64):016x} "
            f"provider=openai model=gpt-4o-mini status=200 bytes={number} request=req_{request}",
            "access": f"127.0.0.1:{40000 + number % 999} - "
            '"POST /via/anthropic/v1/messages HTTP/1.1" 200 OK',
            "commit": f"2026-03-01T10:11:12Z DEBUG store commit units=17 took=0.0{number % 97} "
            f"wal=/var/lib/keysteward/keysteward.db-wal trace={CHANCE.getrandbits(128):032x}",
            "frame": '    File "/srv/app/broker/broker.py", line 88, in call\n'
            "      answer = await self.send(out)",
        }
        line = CHANCE.choice(list(forms.values()))
        if CHANCE.random() < secrets_per_thousand / 1000:
            line += f" authorization: Bearer sk-proj-{made_up(80)}"
        lines.append(line.encode() + b"\n")
        total += len(lines[-1])
    return lines


def rate(function: Callable[[bytes], object], texts: list[bytes]) -> float:
    """Give MB/s, the best of three runs."""
    size = sum(map(len, texts))
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        for text in texts:
            function(text)
        best = max(best, size / (time.process_time() - began) / 1e6)
    return best


def beside(benign: bytes, text: bytes, rounds: int = 15) -> tuple[float, float]:
    """Give MB/s, and how many times slower than the benign text, both the medians of the rounds."""

    def seconds(of: bytes) -> float:
        began = time.process_time()
        redact_bytes(of)
        return time.process_time() - began

    seconds(text)
    pairs = [(seconds(benign), seconds(text)) for _ in range(rounds)]
    return (
        len(text) / statistics.median(hostile for _, hostile in pairs) / 1e6,
        statistics.median(hostile / harmless for harmless, hostile in pairs),
    )


def hostile() -> dict[str, bytes]:
    """Make 1 MiB texts that make other redactors slow."""
    noise = CHANCE.randbytes(MIB)
    units = {
        "one letter": b"a",
        "one digit": b"7",
        "one hyphen": b"-",
        "one quote": b'"',
        "one backslash": b"\\",
        "one space": b" ",
        "one equals sign": b"=",
        "one colon": b":",
        "`sk-` repeated": b"sk-",
        "`sk-ant-` repeated": b"sk-ant-",
        "`task-force-` repeated": b"task-force-",
        "`eyJ` repeated": b"eyJ",
        "`://` repeated": b"://",
        "`://a@` repeated": b"://a,",
        "nested quotes": b"\\\"'",
        "JSON-escaped quotes": b'\\"',
        '`{"a":` repeated': b'{"a":',
        "`-----BEGIN ` repeated": b"-----BEGIN ",
        "`%25` repeated": b"%25",
        "`\\u0025` repeated": b"\\u0025",
    }
    texts = {name: (unit * (MIB // len(unit) + 1))[:MIB] for name, unit in units.items()}
    for name, code in {
        "base64": base64.b64encode(noise),
        "base64, URL-safe": base64.urlsafe_b64encode(noise),
    }.items():
        texts[name] = code[:MIB]
        texts[f"{name}, in lines"] = b"\n".join(
            code[at : at + 76] for at in range(0, len(code), 76)
        )[:MIB]
    texts["random bytes"] = noise
    return texts


def dense() -> dict[str, bytes]:
    """Make 1 MiB texts that are nothing but beginnings: each costs a decision in Python."""
    units = {
        "`password=` repeated": b"password=",
        "`token: a ` repeated": b"token: a ",
        "`token=` repeated": b"token=",
        "`token='` repeated": b"token='",
        "`authorization: ` repeated": b"authorization: ",
        "`Bearer aaaaaaaa ` repeated": b"Bearer aaaaaaaa ",
        "PEM begins without end": b"-----BEGIN PRIVATE KEY-----\n",
        "keys, one a line": b"sk-ant-api03-Ab3dEf6hIj9lMn2pQr5tUv8x\n",
    }
    return {name: (unit * (MIB // len(unit) + 1))[:MIB] for name, unit in units.items()}


def a_log_call() -> dict[str, float]:
    """Give microseconds of CPU for a log call of 200 characters, without and with redaction."""
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    logger.setLevel(logging.INFO)
    logger.handlers[0].handle = lambda record: bool(record.getMessage())  # type: ignore[method-assign]
    text = "x" * 20 + " provider=openai model=gpt-4o-mini status=200 " + "a word and another " * 7

    def once() -> float:
        began = time.process_time()
        for number in range(1000):
            logger.info("%s %d", text, number)
        return (time.process_time() - began) / 1000 * 1e6

    plain, redacted = [], []
    for _ in range(15):
        plain.append(once())
        with installed():
            redacted.append(once())
    return {"plain": statistics.median(plain), "redacted": statistics.median(redacted)}


def figures_of_detect_secrets(tell: Callable[[str, float], None], lines: list[bytes]) -> None:
    """Tell how fast detect-secrets reads the same lines, where it is installed."""
    try:
        scan = importlib.import_module("detect_secrets.core.scan")
        settings = importlib.import_module("detect_secrets.settings")
    except ImportError:
        print("detect-secrets is not installed: left out")
        return
    texts = [line.decode() for line in lines]
    with settings.default_settings():
        began = time.perf_counter()
        for text in texts:
            list(scan.scan_line(text))
        tell("detect-secrets, by line", sum(map(len, lines)) / (time.perf_counter() - began) / 1e6)


def a_stream() -> dict[str, float]:
    """Give the rate of the broker's scrubber on events, and its share of a stream at 2 MB/s.

    Two MB a second are some 10,000 events, more than any model writes; a share of one core.
    """
    secret = importlib.import_module("vault.secret").Secret(made_up(60).encode())
    scrub = importlib.import_module("broker.scrub").Scrubber(secret)
    event = b'data: {"choices":[{"delta":{"content":"a word and another"},"index":0}]}\n\n' * 3
    began = time.process_time()
    for _ in range(20_000):
        scrub.feed(event)
    pace = 20_000 * len(event) / (time.process_time() - began) / 1e6
    return {
        "the answers' scrubber on events": pace,
        "the scrubber's share at 2 MB/s, CPU": 200 / pace,
    }


def rates_of_logs(
    tell: Callable[[str, float], None], clean: list[bytes], some: list[bytes], known: str = ""
) -> None:
    """Tell how fast logs pass, in bulk and by line."""
    tell(f"logs without secrets, in bulk{known}", rate(redact_bytes, [b"".join(clean)]))
    tell(f"logs, 0.1 % secrets, in bulk{known}", rate(redact_bytes, [b"".join(some)]))
    tell(f"logs, 0.1 % secrets, by line{known}", rate(redact_bytes, some))


def main() -> None:
    """Print the table, and write it as JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    figures: dict[str, float] = {}

    def tell(name: str, value: float, unit: str = "MB/s") -> None:
        figures[name] = round(value, 2)
        print(f"{name:<46}{value:>10.1f} {unit}")

    print(f"{platform.machine()}, Python {platform.python_version()}")
    clean = log_lines(8 * MIB, secrets_per_thousand=0)
    some = log_lines(8 * MIB, secrets_per_thousand=1)
    for name, cost in a_log_call().items():
        tell(f"a log call of 200 characters, {name}", cost, "us")
    rates_of_logs(tell, clean, some)
    plain = re.compile(
        b"|".join(re.sub(rb"\\x\{|\(\?i:", b"(?:", k) for k in map(bare, KINDS.values()))
    )
    sample = [b"".join(some)[: MIB // 4]]
    tell("the same expression in Python's re", rate(lambda text: plain.sub(b"", text), sample))
    benign = b"".join(clean)[:MIB]
    tell("1 MiB of logs without secrets", rate(redact_bytes, [benign]))
    slowest = 0.0
    for name, text in hostile().items():
        pace, slower = beside(benign, text)
        tell(name, pace)
        tell(f"    {name}, times slower than benign", slower, "x")
        slowest = max(slowest, slower)
    tell("the slowest of these, times slower than benign", slowest, "x")
    figures_of_detect_secrets(tell, some[:2000])
    for name, rated in a_stream().items():
        tell(name, rated, "%" if name.endswith("CPU") else "MB/s")
    for name, text in dense().items():
        tell(name, rate(redact_bytes, [text]))
    for _ in range(1000):
        remember(made_up(40).encode())
    rates_of_logs(tell, clean, some, ", 1000 known")
    for name, cost in a_log_call().items():
        tell(f"a log call of 200 characters, 1000 known, {name}", cost, "us")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
