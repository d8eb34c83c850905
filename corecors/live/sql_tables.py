"""The tables of an SQL store, and the triggers by which it notices whatever is written, with whatever program.

corecors_tenants: a row a tenant, the record as JSON.
corecors_version: one row, which every writer locks: the number of the last write, and a random token of its own. A
    follower compares the two for equality; the number alone would not notice a backup that was restored and written to.
corecors_changes: which tenants the last writes touched, with the token that each write set. A follower reads what came
    after its own version only where that still stands here; else it reads everything.
"""

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, Text, text

from corecors.live.records import MAX_NAME_LENGTH

KEPT_CHANGES = 10_000  # of the last writes; who was away for longer reads everything
CHANNEL = "corecors"  # of PostgreSQL's NOTIFY
EVERYTHING = ""  # instead of a tenant, among changes

METADATA = MetaData()
TENANTS = Table(
    "corecors_tenants",
    METADATA,
    Column("tenant", String(MAX_NAME_LENGTH), primary_key=True),
    Column("record", Text, nullable=False),
)
VERSION = Table(
    "corecors_version",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("token", String(32), nullable=False),
)
CHANGES = Table(
    "corecors_changes",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant", String(MAX_NAME_LENGTH), primary_key=True),
    Column("token", String(32), nullable=False),
)


def _sqlite_trigger(event: str, *touched: str) -> list[str]:
    noted = "".join(
        f"INSERT OR IGNORE INTO corecors_changes SELECT number, {row}.tenant, token FROM corecors_version;"
        for row in touched
    )
    return [
        f"DROP TRIGGER IF EXISTS corecors_{event}",
        f"""CREATE TRIGGER corecors_{event} AFTER {event} ON corecors_tenants BEGIN
            UPDATE corecors_version SET number = number + 1, token = lower(hex(randomblob(16)));
            {noted}
            DELETE FROM corecors_changes
                WHERE number <= (SELECT number FROM corecors_version) - {KEPT_CHANGES};
        END""",
    ]


_SQLITE = [
    *_sqlite_trigger("insert", "NEW"),
    *_sqlite_trigger("update", "OLD", "NEW"),
    *_sqlite_trigger("delete", "OLD"),
]

# Once a statement, not once a row: a row that one transaction updates ten thousand times becomes slower each time.
# The NOTIFY is sent when the transaction commits, under a lock of the whole server: fine for writes as rare as these.
_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION corecors_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh text := replace(gen_random_uuid()::text, '-', '');
    last bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM added) THEN RETURN NULL; END IF;
    ELSIF TG_OP <> 'TRUNCATE' THEN
        IF NOT EXISTS (SELECT FROM gone) THEN RETURN NULL; END IF;
    END IF;
    UPDATE corecors_version SET number = number + 1, token = fresh RETURNING number INTO last;
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO corecors_changes VALUES (last, '{EVERYTHING}', fresh);
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO corecors_changes SELECT last, tenant, fresh FROM added;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO corecors_changes SELECT last, tenant, fresh FROM gone ON CONFLICT DO NOTHING;
    END IF;
    DELETE FROM corecors_changes WHERE number <= last - {KEPT_CHANGES};
    PERFORM pg_notify('{CHANNEL}', fresh);
    RETURN NULL;
END $$
"""
_POSTGRESQL = [_POSTGRESQL_FUNCTION]
for _event, _tables in (
    ("insert", "REFERENCING NEW TABLE AS added"),
    ("update", "REFERENCING OLD TABLE AS gone NEW TABLE AS added"),
    ("delete", "REFERENCING OLD TABLE AS gone"),
    ("truncate", ""),
):
    _POSTGRESQL += [
        f"DROP TRIGGER IF EXISTS corecors_{_event} ON corecors_tenants",
        f"CREATE TRIGGER corecors_{_event} AFTER {_event} ON corecors_tenants {_tables}"
        " FOR EACH STATEMENT EXECUTE FUNCTION corecors_noted()",
    ]

TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


def create(connection: Connection, token: str) -> None:
    """Create what is missing; tenants that are there stay."""
    METADATA.create_all(connection)
    if connection.execute(VERSION.select()).first() is None:
        connection.execute(VERSION.insert().values(id=1, number=0, token=token))
        connection.execute(CHANGES.insert().values(number=0, tenant=EVERYTHING, token=token))
    for statement in TRIGGERS.get(connection.dialect.name, ()):
        connection.execute(text(statement.replace(":", "\\:")))
