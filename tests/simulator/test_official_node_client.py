"""npm `@intacct/intacct-sdk`, Sage's own client, unmodified but for the address."""

import asyncio
import json
from pathlib import Path

from tests.support.javascript_sdk import installed

HERE = Path(__file__).parent / "node"


async def run(*command: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_sages_own_client_posts_reads_and_is_refused_as_it_expects(sim):
    folder = await asyncio.to_thread(installed)
    seen = json.loads(await run("node", str(HERE / "client.js"), sim.url, str(folder), folder=HERE))
    assert (seen["invoice"], seen["bill"]) == ("1", "1")
    assert int(seen["customer"]["RECORDNO"]) > 3
    assert seen["session"] == {"entity": "100", "endpoint": sim.url, "company": "BLUEMESA"}
    assert seen["query"] == {
        "total": 1,
        "rows": [{"RECORDNO": "1", "RECORDID": "JS-1", "TOTALDUE": "2450.5", "STATE": "Posted"}],
    }
    assert seen["credit"] == "1"
    assert seen["credits"] == [{"RECORDID": "JS-CM", "TOTALENTERED": "-50.25", "STATE": "Posted"}]
    assert [len(page) for page in seen["pages"]] == [4, 4, 1]
    assert seen["reversed"] == "success"
    assert "specified is not valid" in seen["refused"]
    assert "already been executed and completed" in seen["repeated"]
    assert seen["transaction"].startswith("ResultException")
    assert "authentication status failure" in seen["wrongPassword"]
    assert "control status failure - XMLGW_JPP0002" in seen["wrongSender"]
    documents = sim.store.documents()
    assert [document["number"] for document in documents] == ["JS-1", "Reversed - JS-1", "U-1", "JS-B", "JS-CM"]
    first = documents[0]
    assert (first["total"], first["custom"], first["state"]) == ("2450.50", {"ALVYS_LOAD_ID": "a1b2"}, "Reversed")
    assert first["lines"][0]["memo"] == "Linehaul & more"
    assert documents[3]["due_date"] == "2026-03-16"
