"""What a configuration may say of an API."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from assay.serving.api import ApiOptions


@pytest.mark.parametrize(
    "extra",
    [{"api_key": "s3cret"}, {"a": [{"Access-Token": "s3cret"}]}, {"db": {"db_password": "s3cret"}}, {"apiKey": "x"}],
)
def test_a_secret_isnt_taken_in_a_body_that_is_written_down(extra: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"looks like a secret.*send it as a header whose value comes from an"):
        ApiOptions(extra_body=extra)


@pytest.mark.parametrize("extra", [{"prompt_cache_key": "a"}, {"stop_token": "b"}, {"return_token_ids": True}])
def test_fields_of_the_api_itself_are_no_secrets(extra: dict[str, Any]) -> None:
    assert ApiOptions(extra_body=extra).extra_body == extra
