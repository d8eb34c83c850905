"""What is known of the tenants: their records, the policies that those make, and what is wrong with the others.

Changed by the follower's thread alone, while requests read. A tenant that changes is one item assignment; a state that
was read anew as a whole is one assignment of the dict.
"""

from collections.abc import Callable, Iterable

from corecors._policy.policy import DEFAULTS, Policy, validated_origins
from corecors._policy.problems import PolicyError, Problem
from corecors.live.records import fault_of_name, record_of
from corecors.live.serving import Entries, Entry
from corecors.live.sources import Text, Update

# Records longer than this become policies at once, so that the first request of a tenant pays for a short one at most.
# Short ones become policies when somebody asks: a policy takes ten times the memory of its text, and a million objects
# would make Python's garbage collector stop every thread for a second.
LONG_RECORD = 4_000  # characters


class BadRecord:
    """A record that is refused, by its text: the same one is not reported twice."""

    __slots__ = ("problems", "text")

    def __init__(self, text: str, problems: tuple[Problem, ...]) -> None:
        self.text: str = text
        self.problems: tuple[Problem, ...] = problems


Pause = Callable[[], None]
Report = Callable[[str, tuple[Problem, ...]], None]
Changes = dict[str, str | None]  # tenants to the records that are in force for them now, None where there is none


class State:
    """The tenants of one store.

    base: has the arguments that records leave out. fault_of: why a tenant of this name could never be asked for.
    """

    def __init__(self, base: Policy, fault_of: Callable[[str], str | None]) -> None:
        self._base = base
        self._arguments = {name: getattr(base, name) for name in DEFAULTS}
        self._fault_of = fault_of
        self.entries: Entries = {}
        self.bad: dict[str, BadRecord] = {}
        self.origins: int = 0

    def copied(self) -> "State":
        """What a process that was forked off goes on with: the thread here may have been in the middle of a change."""
        made = State(self._base, self._fault_of)
        made.entries = self.entries.copy()
        made.bad = self.bad.copy()
        made.origins = sum(entry.origins for entry in made.entries.values())
        return made

    def policy_of(self, entry: Entry) -> Policy:
        """The policy of a record that was checked before."""
        return entry.keep(self._base.replace(**record_of(entry.text)))

    def apply(self, update: Update, pause: Pause, report: Report) -> Changes:
        """Take in what the store says, and tell what has changed. `report` is told of each record that is refused."""
        return (self._replace if update.everything else self._change)(update.records, pause, report)

    def _change(self, records: Iterable[tuple[str, Text | None]], pause: Pause, report: Report) -> Changes:
        changes: Changes = {}
        for tenant, text in records:
            old = self.entries.get(tenant)
            if text is None:
                self.bad.pop(tenant, None)
                new = None
                self.entries.pop(tenant, None)
            else:
                new = self._entry(tenant, text, old, report)
                if new is not None and new is not old:
                    self.entries[tenant] = new
            if new is not old:
                self.origins += (new.origins if new else 0) - (old.origins if old else 0)
                changes[tenant] = new.text if new else None
            pause()
        return changes

    def _replace(self, records: Iterable[tuple[str, Text | None]], pause: Pause, report: Report) -> Changes:
        before = self.entries
        entries: Entries = {}
        changes: Changes = {}
        seen: set[str] = set()
        origins = 0
        for tenant, text in records:
            pause()
            if text is None:
                continue
            seen.add(tenant)
            old = before.get(tenant)
            new = self._entry(tenant, text, old, report)
            if new is not None:
                entries[tenant] = new
                origins += new.origins
                if new is not old:
                    changes[tenant] = new.text
        for tenant in before:
            if tenant not in entries:
                changes[tenant] = None
        for tenant in [each for each in self.bad if each not in seen]:
            del self.bad[tenant]
        self.entries = entries
        self.origins = origins
        return changes

    def _entry(self, tenant: str, given: Text, old: Entry | None, report: Report) -> Entry | None:
        """What is in force for a tenant whose record is `given`: that, or where it is refused what was before."""
        text = given if isinstance(given, str) else str(given)
        if old is not None and old.text == given:
            self.bad.pop(tenant, None)  # a bad record was taken back
            return old
        refused = self.bad.get(tenant)
        if refused is not None and refused.text == text:
            return old
        try:
            if isinstance(given, PolicyError):
                raise given
            fault = fault_of_name(tenant) or self._fault_of(tenant)
            if fault is not None:
                raise PolicyError([Problem("tenant", tenant, "tenant-name", fault)])
            made = self._made(text, old)
        except PolicyError as error:
            self.bad[tenant] = BadRecord(text, error.problems)
            report(tenant, error.problems)
            return old
        self.bad.pop(tenant, None)
        return made

    def _made(self, text: str, old: Entry | None) -> Entry:
        """Raises `PolicyError` for a record that no policy can be made of."""
        record = record_of(text)
        is_short = len(text) <= LONG_RECORD
        if is_short and len(record) == 1:  # its origins: nothing else can be wrong, and a policy is not needed yet
            return Entry(text, len(validated_origins(self._base, record["allow_origins"])), None)
        # What the tenant's last policy has was validated: a million origins and one more are a copy.
        known = old.policy if old is not None and old.policy is not None else self._base
        policy = known.replace(**{**self._arguments, **record})
        return Entry(text, len(policy.allow_origins), None if is_short else policy)
