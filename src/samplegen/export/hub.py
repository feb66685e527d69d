"""A finished dataset to the Hugging Face Hub."""

from pathlib import Path

from samplegen.errors import ExportError, MissingExtraError
from samplegen.export.files import STATE_FOLDER, TEMPORARY_SUFFIX
from samplegen.export.manifest import MANIFEST, read_manifest


def push_folder(root: Path, repository: str, *, private: bool = False) -> str:
    """Upload a finished dataset and return its address.

    Raises:
        ExportError: If the dataset is unfinished, ``huggingface_hub`` is not installed, nobody is logged in, or
            the Hub refuses.
    """
    if read_manifest(root) is None:
        raise ExportError(f"{root}: has no {MANIFEST} of samplegen's; only a finished dataset can be pushed.")
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError as error:
        raise MissingExtraError("a push needs huggingface_hub: pip install 'samplegen[hf]'.") from error
    api = HfApi()
    try:
        api.whoami()
        api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=root,
            ignore_patterns=[f"{STATE_FOLDER}/*", f"*{TEMPORARY_SUFFIX}"],
            commit_message="Add a dataset made by samplegen",
        )
    except LocalTokenNotFoundError as error:
        raise ExportError("nobody is logged in to the Hub. Run: hf auth login, or set HF_TOKEN.") from error
    except (HfHubHTTPError, ValueError, OSError) as error:
        raise ExportError(f"the Hub refused {repository!r}: {error}") from error
    return f"https://huggingface.co/datasets/{repository}"
