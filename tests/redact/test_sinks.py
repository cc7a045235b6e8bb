"""Every way out of the process, in a real interpreter whose output is really read.

Where two sinks lie behind each other (a log record, then standard error), the one under test writes
around the other: `RAW` is a stream onto descriptor 2 that nothing covers.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CANARY = "sk-ant-api03-Cn4ryQ7Rz0c4Lx9Tb2Wn5Yk8Pd3Vh6Mf1Sj0GzzA"
TAG = re.compile(r"\[redacted [0-9a-f]{4}\]")
UNSHAPED = "mellowpelicanstrollsquietlyhomeward"

BEFORE = f"""
import asyncio, gc, io, logging, os, sys, threading, traceback, warnings
sys.path.insert(0, {str(ROOT)!r})
RAW = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)
ORDINARY = sys.stderr
import redact
KEY, UNSHAPED = os.environ["CANARY"], os.environ["UNSHAPED"]
redact.install([UNSHAPED.encode()])
"""


def said(script: str, *options: str) -> str:
    """Run a script behind `BEFORE`; give all it wrote."""
    done = subprocess.run(
        [sys.executable, *options, "-c", BEFORE + script],
        env={"CANARY": CANARY, "UNSHAPED": UNSHAPED, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    # The tag that tells one secret from another is another in each run.
    return TAG.sub("[redacted]", (done.stdout + done.stderr).decode())


def assert_clean(output: str, *expected: str) -> None:
    for piece in (CANARY, CANARY[20:40], CANARY[-12:], UNSHAPED):
        assert piece not in output
    for piece in (*expected, "[redacted]"):
        assert piece in output


HANDLER = "logging.basicConfig(stream=RAW, level=1, format='%(levelname)s %(message)s')\n"


def test_a_log_message_and_its_arguments() -> None:
    script = """
logging.warning("plain " + KEY)
logging.warning("args %s and %r", KEY, UNSHAPED)
logging.warning("cut %s%s", KEY[:20], KEY[20:])
logging.warning("named %(key)s", {"key": KEY})
logging.warning("bytes %s", KEY.encode())
logging.warning("header x-api-key: %s", UNSHAPED[::-1])
logging.warning("deep %s", {"a": [KEY, (UNSHAPED,)]})
logging.warning("does not fit %d", KEY)
"""
    output = said(HANDLER + script)
    assert_clean(
        output, "WARNING plain sk-ant-api03-…[redacted]", "does not fit", "header x-api-key: "
    )
    assert UNSHAPED[::-1] not in output
    assert "Traceback" not in output


def test_an_object_whose_text_holds_a_secret() -> None:
    script = """
class Holder:
    def __str__(self): return "holds " + KEY
    def __repr__(self): return "Holder(" + UNSHAPED + ")"
class Broken:
    def __repr__(self): raise RuntimeError(KEY)
logging.warning("%s / %r", Holder(), Holder())
logging.warning("%s", Broken())
logging.warning(Holder())
"""
    assert_clean(said(HANDLER + script), "holds sk-ant-api03-…[redacted] / Holder([redacted])")


def test_a_log_records_traceback_has_neither_secrets_nor_locals() -> None:
    script = """
class Telling(logging.StreamHandler):
    def format(self, record):
        text = super().format(record)
        if record.exc_info:
            told = traceback.TracebackException(*record.exc_info, capture_locals=True)
            text += "".join(told.format())
        return text
logging.getLogger().handlers = [Telling(RAW)]
def call():
    held = "not a key, but a local value".upper()
    try:
        raise ValueError("refused " + KEY)
    except ValueError as cause:
        raise RuntimeError("while calling") from cause
try:
    call()
except RuntimeError:
    logging.exception("failed")
    logging.error("failed", stack_info=True, exc_info=sys.exc_info())
make = logging.getLogRecordFactory()
record = make("app", 40, "app.py", 1, "with stack", (), None, "call", "Stack: " + KEY)
logging.getLogger().handle(record)
"""
    output = said(HANDLER + script)
    assert_clean(output, "refused sk-ant-api03-…[redacted]", "RuntimeError: while calling")
    assert "Stack: sk-ant-api03-…[redacted]" in output
    assert "NOT A KEY, BUT A LOCAL VALUE" not in output


def test_extra_fields_and_fields_that_a_filter_adds() -> None:
    script = """
logging.getLogger().handlers[0].setFormatter(
    logging.Formatter("%(message)s %(who)s %(deep)s %(password)s %(added)s %(headers)s"))
class Adds(logging.Filter):
    def filter(self, record):
        record.added = KEY
        return True
logger = logging.getLogger("app")
logger.addFilter(Adds())
logger.warning("hello", extra={
    "who": KEY, "deep": {"a": [UNSHAPED]}, "password": "hunter2", "headers": {"x-api-key": "abc"}})
"""
    output = said(HANDLER + script)
    assert_clean(output, "hello sk-ant-api03-…[redacted] {'a': ['[redacted]']}")
    assert "hunter2" not in output
    assert "'abc'" not in output


def test_a_member_of_an_enumeration_that_holds_a_secret() -> None:
    script = """
import enum
Which = enum.Enum("Which", {"ONE": UNSHAPED, "TWO": "two"})
logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s %(which)r"))
logging.warning("%r %r", Which.ONE, Which.TWO, extra={"which": Which.ONE})
"""
    output = said(HANDLER + script)
    assert_clean(output, "<Which.ONE: '[redacted]'> <Which.TWO: 'two'> <Which.ONE: '[redacted]'>")


def test_a_handler_that_a_library_adds_later_and_one_that_takes_records_apart() -> None:
    script = """
import logging.handlers, pickle, queue
class Later(logging.Handler):
    def emit(self, record):
        RAW.write(repr(record.__dict__) + record.getMessage() + "\\n")
        RAW.write(repr(pickle.loads(pickle.dumps(record)).__dict__) + "\\n")
queue_ = queue.Queue()
logger = logging.getLogger("late")
logger.propagate = False
logger.handlers = [Later(), logging.handlers.QueueHandler(queue_)]
logger.error("late %s", KEY, extra={"token": KEY})
try:
    raise ValueError(KEY)
except ValueError:
    logger.exception("password=%s", "hunter2")
while not queue_.empty():
    logging.StreamHandler(RAW).emit(queue_.get())
"""
    output = said(script)
    assert_clean(output, "late sk-ant-api03-…[redacted]", "password=[redacted]")
    assert "hunter2" not in output


def test_records_that_a_library_makes_by_the_class_and_its_fields() -> None:
    script = """
class Own(logging.Logger):
    def makeRecord(self, name, level, fn, lno, msg, args, exc_info, *_, **__):
        record = logging.LogRecord(name, level, fn, lno, msg, args, exc_info)
        record.holder = [KEY]
        return record
class Whole(logging.Handler):
    def emit(self, record):
        RAW.write(record.getMessage() + repr(record.__dict__) + "\\n")
logger = Own("own")
logger.addHandler(Whole())
try:
    raise ValueError(KEY)
except ValueError:
    logger.exception("by the class %s", KEY)
class Adds(logging.Filter):
    def filter(self, record):
        record.__dict__.setdefault("set", KEY)
        record.__dict__ |= {"joined": KEY}
        return True
logger = logging.getLogger("filtered")
logger.addFilter(Adds())
logger.addHandler(Whole())
logging.LoggerAdapter(logger, {"adapted": KEY}).warning("adapted")
"""
    output = said(script)
    assert_clean(output, "by the class sk-ant-api03-…[redacted]", "ValueError: sk-ant-api03-")
    for name in ("holder", "set", "joined", "adapted"):
        assert f"'{name}': " in output


def test_records_made_from_a_dictionary() -> None:
    script = """
record = logging.makeLogRecord({"msg": "sent %s", "args": (KEY,), "who": UNSHAPED})
RAW.write(record.getMessage() + repr(record.__dict__))
"""
    assert_clean(said(script), "sent sk-ant-api03-…[redacted]")


def test_uvicorns_loggers_configured_after_us() -> None:
    script = """
import uvicorn.config
config = uvicorn.config.LOGGING_CONFIG
for handler in config["handlers"].values():
    handler["stream"] = RAW
uvicorn.Config("app:app", log_config=config).configure_logging()
access = logging.getLogger("uvicorn.access")
line = '%s - "%s %s HTTP/%s" %d'
access.info(line, "127.0.0.1:1", "GET", "/v1?key=" + UNSHAPED[::-1] + "9", "1.1", 200)
access.info(line, "127.0.0.1:1", "GET", "/" + KEY, "1.1", 404)
error = logging.getLogger("uvicorn.error")
error.info("Started [%s]", KEY, extra={"color_message": "Started [%s] " + UNSHAPED})
try:
    raise OSError(UNSHAPED)
except OSError:
    error.error("Exception in ASGI application\\n", exc_info=True)
"""
    output = said(script)
    assert_clean(
        output, '"GET /v1?key=[redacted] HTTP/1.1" 200 OK', "404 Not Found", "Started [", "OSError"
    )
    assert UNSHAPED[::-1] not in output
    assert "Logging error" not in output


def test_a_warning() -> None:
    script = (
        "sys.stderr = RAW\nwarnings.warn('old key ' + KEY)\nwarnings.warn(UNSHAPED, UserWarning)\n"
    )
    assert_clean(said(script), "UserWarning: old key sk-ant-api03-…[redacted]")


def test_a_warning_that_goes_through_logging() -> None:
    script = HANDLER + "logging.captureWarnings(True)\nwarnings.warn('old key ' + KEY)\n"
    assert_clean(said(script), "UserWarning: old key sk-ant-api03-…[redacted]")


def test_an_uncaught_exception() -> None:
    script = """
sys.stderr = RAW
def call(local):
    raise ValueError(KEY + ' ' + UNSHAPED)
call(UNSHAPED)
"""
    assert_clean(
        said(script), "Traceback (most recent call last)", "ValueError: sk-ant-api03-…[redacted]"
    )


def test_what_a_program_exits_with_and_what_c_code_tells_of_a_stack() -> None:
    script = """
import atexit, faulthandler
def fails(held): raise ValueError(held)
atexit.register(fails, KEY)
print("to the original", KEY, file=sys.__stderr__)
def call(held): faulthandler.dump_traceback(2)
call(KEY)
sys.exit("gave up on " + KEY)
"""
    output = said(script)
    assert_clean(output, "gave up on sk-ant-api03-…[redacted]", "to the original sk-ant-api03-…")
    assert "in call" in output  # faulthandler names functions and lines, and shows no value
    assert "ValueError: sk-ant-api03-…[redacted]" in output


def test_an_uncaught_exception_keeps_its_exit_status_and_an_interrupt_its_traceback() -> None:
    assert_clean(said("sys.stderr = RAW\nraise KeyboardInterrupt(KEY)\n"), "KeyboardInterrupt")


def test_an_exception_that_cannot_be_rendered() -> None:
    script = """
sys.stderr = RAW
class Odd(Exception):
    def __str__(self): raise RuntimeError(KEY)
    __notes__ = ["note " + UNSHAPED]
raise Odd
"""
    output = said(script)
    assert CANARY not in output
    assert UNSHAPED not in output
    assert "Odd" in output


def test_an_exception_in_a_thread() -> None:
    script = """
sys.stderr = RAW
def run():
    raise ValueError(KEY)
thread = threading.Thread(target=run, name="t " + UNSHAPED)
thread.start()
thread.join()
"""
    assert_clean(
        said(script), "Exception in thread t [redacted]", "ValueError: sk-ant-api03-…[redacted]"
    )


def test_an_exception_that_cannot_be_raised() -> None:
    script = """
sys.stderr = RAW
class Dying:
    def __repr__(self): return "Dying(" + UNSHAPED + ")"
    def __del__(self): raise ValueError(KEY)
dying = Dying()
del dying
gc.collect()
"""
    assert_clean(said(script), "ValueError: sk-ant-api03-…[redacted]")


NEVER_RETRIEVED = """
async def fails():
    raise ValueError("task " + KEY)
async def main():
    {set_handler}
    task = asyncio.create_task(fails(), name="task " + UNSHAPED)
    await asyncio.wait([task])
    del task
    gc.collect()
asyncio.run(main())
"""


def test_a_tasks_exception_that_nobody_retrieves() -> None:
    script = HANDLER + NEVER_RETRIEVED.format(set_handler="pass")
    assert_clean(
        said(script), "Task exception was never retrieved", "ValueError: task sk-ant-api03-…"
    )


def test_asyncios_handler_whatever_has_become_of_logging() -> None:
    handler = "asyncio.get_running_loop().set_exception_handler(redact.asyncio_exceptions)"
    forgotten = "logging.setLogRecordFactory(logging.LogRecord)\n"
    script = HANDLER + forgotten + NEVER_RETRIEVED.format(set_handler=handler)
    for options in ((), ("-X", "dev")):
        output = said(script, *options)
        assert_clean(
            output, "Task exception was never retrieved", "ValueError: task sk-ant-api03-…"
        )


def test_what_is_printed() -> None:
    script = """
print("key", KEY)
print("cut", KEY[:20], KEY[20:], sep="")
print(UNSHAPED[:10], end="")
print(UNSHAPED[10:])
for letter in KEY: sys.stdout.write(letter)
print("error", KEY, file=sys.stderr)
sys.stdout.writelines(["a ", KEY, "\\n"])
sys.stdout.buffer.write(b"bytes " + KEY.encode() + b"\\n")
print("no line's end:", UNSHAPED, end="")
"""
    output = said(script)
    assert_clean(output, "key sk-ant-api03-…[redacted]\n", "bytes sk-ant-api03-…[redacted]\n")
    assert "no line's end: [redacted]" in output


def test_a_secret_in_pieces_some_of_them_written_as_bytes() -> None:
    script = """
binary = lambda text: sys.stdout.buffer.write(text.encode())
for write, other in ((binary, binary), (binary, sys.stdout.write), (sys.stdout.write, binary)):
    for secret in (KEY, UNSHAPED):
        write(secret[:17]); gc.collect(); other(secret[17:] + "\\n")
binary("Name: "); sys.stdout.flush(); sys.stdout.write("é"); sys.stdout.buffer.flush()
assert sys.stdout.buffer is sys.stdout.buffer
sys.stdout.buffer.write(b"\\xc3"); sys.stdout.buffer.write(memoryview(b"\\xa9\\n"))
"""
    output = said(script)
    assert_clean(output, "Name: éé\n")
    assert output.count("[redacted]") == 6


def test_bytes_that_are_no_text_come_out_as_they_went_in() -> None:
    script = """
from redact.streams import RedactedText
below = io.BytesIO()
stream = RedactedText(io.TextIOWrapper(below, encoding="utf-8"))
stream.write("é"); stream.buffer.write(b" \\xff\\xfe " + KEY.encode() + b"\\n"); stream.flush()
assert below.getvalue().startswith("é ".encode() + b"\\xff\\xfe sk-ant-"), below.getvalue()
print(below.getvalue()[5:].decode())
try:
    stream.buffer.write("text")
except TypeError:
    print("takes bytes only")
"""
    assert_clean(said(script), " sk-ant-api03-…[redacted]", "takes bytes only")


def test_a_key_whose_line_a_backslash_continues() -> None:
    for end in ("\\\\\\n", "\\\\\\r\\n"):
        script = f"""
print("key", KEY[:24] + "{end}", end="")
print(KEY[24:])
print("after")
"""
        assert_clean(said(script), "after\n")


def test_a_private_key_printed_line_by_line() -> None:
    script = """
print("-----BEGIN PRIVATE KEY-----")
for _ in range(3):
    print("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA" + "AoIBAQC7")
print("-----END PRIVATE KEY-----")
print("after")
print(KEY)
"""
    output = said(script)
    assert_clean(output, "-----END PRIVATE KEY-----\n", "after\n")
    assert "MIIEvQ" not in output


def test_a_prompt_shows_at_once_and_is_not_shown_twice() -> None:
    script = """
sys.stdout.write("Name: "); sys.stdout.flush()
sys.stdout.write("and key " + KEY); sys.stdout.flush()
sys.stdout.write(" done\\n")
sys.stdout.write(UNSHAPED[:12]); sys.stdout.flush()
print(UNSHAPED[12:])
os.write(2, b"|")
"""
    output = said(script)
    assert_clean(output, "Name: and key sk-ant-api03-…[redacted] done\n")
    assert UNSHAPED[12:] not in output


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    script = """
for _ in range(400):
    sys.stdout.write("words and words " * 100)
assert len(sys.stdout._line._text) < 200_000
sys.stdout.write(KEY)
"""
    output = said(script)
    assert_clean(output)
    assert output.startswith("words and words " * 400 * 100)


def test_streams_are_in_all_else_what_they_were() -> None:
    script = """
import rich.console
assert sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2
assert sys.stdout.encoding == "utf-8" and sys.stderr.errors == "backslashreplace"
assert sys.stdout.isatty() is False and sys.stdout.writable() and not sys.stdout.readable()
assert sys.stdout.name == "<stdout>" and not sys.stdout.closed
try:
    sys.stdout.write(b"")
except TypeError:
    print("takes text only")
rich.console.Console().print("[bold]rich[/bold] " + KEY)
sys.stdout.close()
print("still open")
"""
    assert_clean(said(script), "takes text only", "rich sk-ant-api03-…[redacted]", "still open")


def test_a_terminal_that_knows_no_ellipsis() -> None:
    script = """
from redact.streams import RedactedText
raw = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="ascii", write_through=True)
print("key", KEY, file=RedactedText(raw))
"""
    assert_clean(said(script), "key sk-ant-api03-...[redacted]\n")


def test_everything_is_as_it_was_afterwards() -> None:
    script = """
before = lambda: (sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook,
                  warnings.showwarning, logging.getLogRecordFactory())
with redact.installed():
    inside = before()
after = before()
assert after[1] is ORDINARY and after[2] is sys.__excepthook__
assert after[6] is logging.LogRecord
assert all(one is not other for one, other in zip(inside, after))
print("as it was [redacted]")
"""
    assert_clean(said(script), "as it was")


@pytest.mark.parametrize("times", [2])
def test_installing_twice_covers_once(times: int) -> None:
    script = f"""
for _ in range({times}):
    redact.install()
assert type(sys.stdout._stream) is io.TextIOWrapper
print(KEY)
"""
    assert_clean(said(script))
