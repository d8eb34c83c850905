"""FileSource: tenants in files, one each in a directory, or all in one.

tenants/shop.example.com.toml       allow_origins = ["https://www.shop.example"]
tenants.toml                        [tenants."shop.example.com"]
                                    allow_origins = ["https://www.shop.example"]
"""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from corecors._policy.problems import PolicyError, Problem
from corecors.live.file_reading import ENDINGS, FileReader
from corecors.live.records import Record, StoreError, checked, record_of


@final
class FileSource:
    """Tenants in the directory or file at `path`: TENANT.toml or TENANT.json each, or a file with a table `tenants`.

    Names that begin with a dot are passed over. A file that cannot be read is a bad record of its tenant. Only a
    directory can be written, as TENANT.json, by renaming: nobody ever reads half a file. With the package `watchfiles`
    changes are known at once, without it after `max_staleness` seconds.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.name: str = str(self._path)

    def open(self, timeout: float) -> "FileReader":
        return FileReader(self._path)

    def init(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True)

    def put(self, tenant: str, record: Record) -> None:
        self.put_all({tenant: record})

    def put_all(self, records: Mapping[str, Record]) -> None:
        """All are checked before the first is written; each file is there as a whole or not at all."""
        texts = {self._file(tenant): checked(tenant, record) for tenant, record in records.items()}
        self._require_directory()
        for file, text in texts.items():
            made = file.with_name(f".{secrets.token_hex(8)}.tmp")
            try:
                with made.open("x", encoding="utf-8") as written:
                    written.write(json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n")
                    written.flush()
                    os.fsync(written.fileno())
                os.replace(made, file)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    made.unlink()
            with contextlib.suppress(FileNotFoundError):
                file.with_suffix(".toml").unlink()

    def remove(self, tenant: str) -> bool:
        self._require_directory()
        found = False
        for ending in ENDINGS:
            with contextlib.suppress(FileNotFoundError):
                self._file(tenant).with_name(tenant + ending).unlink()
                found = True
        return found

    def get(self, tenant: str) -> dict[str, Any] | None:
        text = dict(FileReader(self._path).texts()).get(tenant)
        if isinstance(text, PolicyError):
            raise text
        return None if text is None else record_of(text)

    def tenants(self) -> list[str]:
        return sorted(dict(FileReader(self._path).texts()))

    def _require_directory(self) -> None:
        if not self._path.is_dir():
            raise StoreError(f"{self.name} is not a directory, and only a directory can be written")

    def _file(self, tenant: str) -> Path:
        if isinstance(tenant, str) and (tenant.startswith(".") or not {"/", "\\", "\0"}.isdisjoint(tenant)):
            message = "cannot be the name of a file"
            raise PolicyError([Problem("tenant", tenant, "tenant-name", message)])
        return self._path / f"{tenant}.json"
