"""The Logging query language, clause by clause, against real LogEntry messages."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.logging_v2.types import LogEntry
from google.protobuf import json_format

from ccconsole.emulator.faults import Fault
from ccconsole.emulator.logging.filter import compile_filter, parse_time

ENTRY = {
    "logName": "projects/demo/logs/run.googleapis.com%2Fstdout",
    "resource": {
        "type": "cloud_run_revision",
        "labels": {"service_name": "worker", "location": "us-central1", "revision_name": "worker-00001-abc"},
    },
    "timestamp": "2026-05-04T09:30:00.123456789Z",
    "receiveTimestamp": "2026-05-04T09:30:01Z",
    "severity": "WARNING",
    "insertId": "abc123",
    "labels": {"instanceId": "i-1", "task_id": "t-7", "run.googleapis.com/base": "x"},
    "jsonPayload": {
        "message": "The Cat sat (down) at 10.0.0.1",
        "count": 42,
        "ratio": 0.5,
        "is_ok": True,
        "nothing": None,
        "tags": ["red", "blue"],
        "deep": {"er": {"value": "found"}},
        "dotted.key": "yes",
        "quote": 'say "hi"\\now',
    },
    "httpRequest": {"requestMethod": "POST", "requestUrl": "http://h/run", "status": 429, "latency": "1.5s"},
    "trace": "projects/demo/traces/0af7651916cd43dd8448eb211c80319c",
    "traceSampled": True,
    "sourceLocation": {"file": "app.py", "line": "12"},
}
PLAIN = {
    "logName": "projects/demo/logs/run.googleapis.com%2Fstderr",
    "resource": {"type": "cloud_run_revision", "labels": {"service_name": "other"}},
    "timestamp": "2026-05-04T09:31:00Z",
    "textPayload": "plain Robot text",
    "insertId": "b",
}


def entry(value: dict[str, Any]) -> Any:
    return json_format.ParseDict(value, LogEntry.pb(LogEntry()))


TRUE = [
    "",
    "  \n -- a comment\n",
    'resource.type="cloud_run_revision"',
    "resource.type = cloud_run_revision \n\nresource.labels.service_name = worker \n severity >= DEFAULT \n",
    "RESOURCE.TYPE=CLOUD_RUN_REVISION",
    'resource.labels.service_name=("a" OR "worker")',
    'resource.labels.service_name:("wor" "ker")',
    'resource.labels.service_name=(NOT "other" AND NOT "third")',
    'resource.labels."service_name"="worker"',
    "severity>=WARNING",
    "severity>=400",
    "severity=warning",
    "severity!=ERROR",
    "severity<(ERROR OR INFO)",
    "severity:WARNING",
    'severity=~"^WARN"',
    'timestamp>="2026-05-04T09:30:00.123456789Z"',
    'timestamp<"2026-05-04T09:30:00.123456790Z"',
    "timestamp>2026-05-04",
    'timestamp>="2026-05-04T11:30:00+02:00"',
    "timestamp>=2026-05-04T09:30:00Z timestamp<=2026-05-04T09:31:00Z",
    "receiveTimestamp>=2026-05-04T09:30:01Z",
    "receive_timestamp>=2026-05-04T09:30:01Z",
    'logName="projects/demo/logs/run.googleapis.com%2Fstdout"',
    'log_name:"stdout"',
    'log_id("run.googleapis.com/stdout")',
    "insertId=abc123",
    'labels.task_id="t-7"',
    'labels."run.googleapis.com/base"="x"',
    "labels.run.googleapis.com/base=x",
    "labels.task_id:*",
    "labels:task_id",
    'jsonPayload.message:"cat SAT"',
    'jsonPayload.message=~"C[aA]t"',
    'jsonPayload.message!~"cat"',
    r'jsonPayload.message=~"\d+\.0\.0\.\d"',
    r'jsonPayload.message=~"\\(down\\)"',
    'jsonPayload.message=~"(?i)the cat"',
    "jsonPayload.count=42",
    "jsonPayload.count>41.5",
    'jsonPayload.count="42"',
    "jsonPayload.count=~4",
    "jsonPayload.ratio<1",
    "jsonPayload.is_ok=true",
    "jsonPayload.is_ok!=FALSE",
    "jsonPayload.nothing=null",
    "jsonPayload.nothing:*",
    "jsonPayload.tags:blu",
    "jsonPayload.tags=red",
    "jsonPayload.deep.er.value=found",
    "jsonPayload.deep:er",
    'jsonPayload."dotted.key"=yes',
    "jsonPayload.dotted.key=yes",
    r'jsonPayload.quote="say \"hi\"\\now"',
    r'jsonPayload.message:"\x43\u0061t"',
    "jsonPayload:*",
    "httpRequest.status=429",
    "http_request.status>=400",
    "httpRequest.latency>1s",
    "httpRequest.latency<2000ms",
    'httpRequest.requestUrl:"/run"',
    "httpRequest:*",
    'trace="projects/demo/traces/0af7651916cd43dd8448eb211c80319c"',
    "trace:0af765",
    "traceSampled=true",
    "sourceLocation.line=12",
    "NOT severity=ERROR",
    "-severity=ERROR",
    "NOT NOT severity=WARNING",
    "severity=ERROR OR severity=WARNING AND insertId=abc123",
    "insertId=abc123 AND severity=ERROR OR severity=WARNING",
    "(severity=ERROR AND insertId=no) OR (severity=WARNING)",
    "NOT (severity=ERROR OR insertId=no)",
    "cat",
    '"the cat"',
    "cat AND worker",
    "-dog cat",
    "t-7",
    'SEARCH("sat the")',
    'SEARCH(jsonPayload.message, "cat")',
    "NOT jsonPayload.missing=1",
    "NOT textPayload:robot",
]
FALSE = [
    "severity>WARNING",
    "jsonPayload.missing=1",
    "jsonPayload.missing!=1",
    'jsonPayload.missing!~"x"',
    "jsonPayload.missing:*",
    "labels.missing!=x",
    "textPayload:*",
    "textPayload:cat",
    "jsonPayload.count=forty",
    "jsonPayload.message=cat",
    'jsonPayload.message=~"cat"',
    "severity=WARNING AND insertId=no",
    "severity=WARNING insertId=no",
    "insertId=no severity=ERROR OR severity=WARNING",
    "-cat",
    "operation:*",
    'log_id("run.googleapis.com/stderr")',
    "labels:missing",
    'resource.labels.service_name=("a" OR "b")',
    "timestamp<2026-05-04T09:30:00Z",
    "protoPayload.methodName=x",
]
WRONG = [
    ("severity>=", "at its end"),
    ("severity=LOUD", "not a severity"),
    ("(severity=ERROR", "at its end"),
    ("severity=ERROR)", "at ')'"),
    ("AND severity=ERROR", "at 'AND"),
    ("severity=ERROR OR", "at its end"),
    ('textPayload="open', "syntax error"),
    ("noSuchField=1", "Field not found: 'noSuchField'"),
    ("httpRequest.colour=1", "Field not found"),
    ("httpRequest.status=many", "not a number"),
    ("timestamp>yesterday", "not a time"),
    ("traceSampled=perhaps", "neither true nor false"),
    ('textPayload=~"("', "Invalid regular expression"),
    ('textPayload=~"a(?=b)"', "RE2 does not offer"),
    (r'textPayload=~"(a)\1"', "RE2 does not offer"),
    ("resource=1", "no single value"),
    ("sample(insertId, 0.5)", "'sample'"),
    ("(" * 60 + "x" + ")" * 60, "too deeply"),
    ("x" * 20_001, "longer than 20000"),
]


@pytest.mark.parametrize("text", TRUE)
def test_what_matches(text: str) -> None:
    assert compile_filter(text).matches(entry(ENTRY))


@pytest.mark.parametrize("text", FALSE)
def test_what_does_not_match(text: str) -> None:
    assert not compile_filter(text).matches(entry(ENTRY))


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_no_filter(text: str, words: str) -> None:
    with pytest.raises(Fault) as refused:
        compile_filter(text)
    assert words in refused.value.message


def test_a_plain_entry_has_the_defaults_of_its_fields() -> None:
    plain = entry(PLAIN)
    for text in ("severity=DEFAULT", "textPayload:robot", "httpRequest.status=0", 'trace=""', "robot"):
        assert compile_filter(text).matches(plain)
    for text in ("httpRequest:*", "jsonPayload:*", "trace:*", "severity>DEFAULT"):
        assert not compile_filter(text).matches(plain)


def test_the_time_a_filter_asks_for_bounds_the_search() -> None:
    found = compile_filter('severity>=INFO timestamp>="2026-05-04T00:00:00Z" AND timestamp<2026-05-05')
    assert (found.earliest, found.latest) == (parse_time("2026-05-04"), parse_time("2026-05-05"))
    either = compile_filter("timestamp>2026-05-04 OR severity=ERROR")
    assert either.earliest == 0
