"""From a service's old state and a request to the state wanted, and to the revision that makes it so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.cloud.run_v2.types.revision import Revision
from google.cloud.run_v2.types.revision_template import RevisionTemplate
from google.cloud.run_v2.types.service import Service
from google.cloud.run_v2.types.status import RevisionScalingStatus
from google.protobuf import field_mask_pb2

from ccconsole.emulator import conditions as c
from ccconsole.emulator.faults import exists, invalid
from ccconsole.emulator.names import short
from ccconsole.emulator.records import Record, new_etag, new_uid

_INPUT = (
    "description",
    "labels",
    "annotations",
    "client",
    "client_version",
    "ingress",
    "launch_stage",
    "binary_authorization",
    "template",
    "traffic",
    "scaling",
    "invoker_iam_disabled",
    "default_uri_disabled",
    "iap_enabled",
    "multi_region_settings",
    "custom_audiences",
    "build_config",
)
"""The fields of Service that a caller sets; the reference calls all others output only."""
_ALL = "*"

_COPIED = (
    "labels",
    "annotations",
    "scaling",
    "vpc_access",
    "timeout",
    "service_account",
    "containers",
    "volumes",
    "execution_environment",
    "encryption_key",
    "max_instance_request_concurrency",
    "service_mesh",
    "encryption_key_revocation_action",
    "encryption_key_shutdown_duration",
    "session_affinity",
    "node_selector",
)
"""What a revision takes from its template."""


def merge(present: Service, given: Service, paths: Sequence[str]) -> Service:
    """`present` with the given service's fields: those of the update mask, or all that a caller sets."""
    if not paths or list(paths) == [_ALL]:
        paths = _INPUT
    mask = field_mask_pb2.FieldMask(paths=paths)
    for path in paths:
        is_input = path.partition(".")[0] in _INPUT
        if not is_input or not mask.IsValidForDescriptor(Service.pb().DESCRIPTOR):
            raise invalid(f"Violation in UpdateServiceRequest.update_mask: '{path}' cannot be updated.")
    wanted = Service(present)
    target = Service.pb(wanted)
    for path in paths:
        # A mask sets a field to the given value, an absent one included; merging alone would keep the old.
        if "." not in path:
            target.ClearField(path)
    mask.MergeMessage(Service.pb(given), target, replace_message_field=True, replace_repeated_field=True)
    return wanted


def needs_revision(record: Record, wanted: RevisionTemplate) -> bool:
    """Whether the template asks for a revision that does not exist yet; ALREADY_EXISTS for a taken name."""
    is_same = _unnamed(wanted) == _unnamed(record.service.template)
    if not wanted.revision or wanted.revision not in record.revisions:
        return bool(wanted.revision) or not is_same
    if not is_same:
        text = f"Revision named '{wanted.revision}' with different configuration"
        raise exists(text)
    return False


def has_failed(record: Record) -> bool:
    """Whether the newest revision did not start, so that asking for the same again is another try."""
    newest = record.revisions.get(short(record.service.latest_created_revision))
    return newest is not None and any(
        item.type_ == c.READY and item.state == c.State.CONDITION_FAILED for item in newest.conditions
    )


def _unnamed(template: RevisionTemplate) -> RevisionTemplate:
    copy = RevisionTemplate(template)
    copy.revision = ""
    return copy


def new_revision(record: Record, service: Service, log_uri: Callable[[str, str], str]) -> Revision:
    """Make the revision of a service's template and add it to the record."""
    record.revision_count += 1
    name = service.template.revision or record.new_revision_name()
    revision = Revision(
        name=record.name.revision(name),
        uid=new_uid(),
        generation=1,
        create_time=c.now(),
        update_time=c.now(),
        launch_stage=service.launch_stage,
        service=record.name.service,
        creator=service.last_modifier,
        log_uri=log_uri(record.name.service, name),
        reconciling=True,
        scaling_status=RevisionScalingStatus(
            desired_min_instance_count=service.template.scaling.min_instance_count
        ),
        etag=new_etag(),
    )
    for field in _COPIED:
        if field in service.template:
            setattr(revision, field, getattr(service.template, field))
    for kind in (c.READY, c.CONTAINER_HEALTHY, c.CONTAINER_READY, c.RESOURCES):
        c.put(revision.conditions, c.make(kind, c.State.CONDITION_RECONCILING))
    record.revisions[name] = revision
    return revision
