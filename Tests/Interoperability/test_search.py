"""tapq search against servers that speak OpenAI's chat completions."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models"
KEY = "sk-interoperability"
REPLIES = [
    '{"thought": "a", "formula": "sum(dYG2) / sum(Y2)"}',
    'Sure:\n```json\n{"thought": "b", "formula": "sum(sq(dW)) / sum(sq(W))"}\n```',
    "thought: c\nformula: sum(dY2) / sum(Y2) * params ^ 0.1",
    '{"thought": "d", "formula": "__import__(\'os\').system(\'touch /tmp/hacked\')"}',
    "I am sorry.",
]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.seen.append((dict(self.headers), json.loads(body)))
        status = server.statuses.pop(0) if server.statuses else 200
        text = REPLIES[len(server.seen) % len(REPLIES)]
        answer = {
            "choices": [{"message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }
        data = json.dumps(answer if status == 200 else {"error": f"no {KEY}"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.statuses = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def search(tapq, folder, url, *flags, model="mock"):
    arguments = [
        "search", MODELS / "digits.onnx", "--calibration", MODELS / "digits-calibration.npy",
        "--budgets", "4", "--plans", "6", "--held-out", "16", "--generations", "1",
        "--population", "3", "--cache", folder / "cache", "--llm", url, "--llm-model", model,
        "--json", *flags,
    ]  # fmt: skip
    return subprocess.run(
        [tapq.binary, *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "TAPQ_LLM_KEY": KEY},
    )  # fmt: skip


def test_replies_become_a_proxy_and_are_kept(tapq, server, tmp_path):
    server.statuses = [429, 500]
    url = f"http://127.0.0.1:{server.server_port}/v1"
    flags = ["--state", tmp_path / "state", "--llm-price", "1,2"]
    result = search(tapq, tmp_path, url, "-o", tmp_path / "one.tap", *flags)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["failures"] >= 1
    assert report["prompt_tokens"] == 100 * report["replies"]
    expected = (report["prompt_tokens"] + 2 * report["completion_tokens"]) / 1e6
    assert abs(report["cost"] - expected) < 1e-12
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers, _ in server.seen)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert KEY not in result.stderr + result.stdout

    # Replayed from the replies on disk: nobody is asked.
    asked = len(server.seen)
    (tmp_path / "state" / "search.jsonl").unlink()
    again = search(tapq, tmp_path, url, "-o", tmp_path / "two.tap", *flags)
    assert again.returncode == 0, again.stderr
    assert len(server.seen) == asked
    one, two = [(tmp_path / name).read_text().split("\n", 1)[1] for name in ["one.tap", "two.tap"]]
    assert one == two


def test_a_wrong_key_is_said(tapq, server, tmp_path):
    server.statuses = [401] * 10
    url = f"http://127.0.0.1:{server.server_port}/v1"
    result = search(tapq, tmp_path, url, "-o", tmp_path / "no.tap")
    assert result.returncode == 1
    assert "401" in result.stderr and "TAPQ_LLM_KEY" in result.stderr
    assert KEY not in result.stderr
    assert not (tmp_path / "no.tap").exists()


def litellm():
    """LiteLLM's proxy server: $TAPQ_LITELLM, or beside this Python."""
    beside = Path(sys.executable).parent / "litellm"
    return os.environ.get("TAPQ_LITELLM") or (str(beside) if beside.exists() else None)


def test_a_real_server_is_understood(tapq, server, tmp_path):
    """LiteLLM with replies of its own making: another implementation of the protocol."""
    program = litellm()
    if not program or not shutil.which(program):
        pytest.skip("litellm is absent: scripts/setup --tests installs it, $TAPQ_LITELLM names it")
    config = tmp_path / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: mock\n    litellm_params:\n      model: openai/mock\n"
        f"      api_key: none\n      mock_response: '{REPLIES[0]}'\n"
        f"general_settings:\n  master_key: {KEY}\n"
    )
    port = server.server_port + 1 if server.server_port < 65000 else server.server_port - 1
    with (tmp_path / "litellm.log").open("w") as log:
        process = subprocess.Popen(
            [program, "--config", config, "--port", str(port), "--host", "127.0.0.1"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", process)
            url = f"http://127.0.0.1:{port}/v1"
            result = search(tapq, tmp_path, url, "-o", tmp_path / "out.tap")
            assert result.returncode == 0, result.stderr
            assert "formula: sum(dYG2) / sum(Y2)\n" in (tmp_path / "out.tap").read_text()
            assert json.loads(result.stdout)["completion_tokens"] > 0
            unknown = search(tapq, tmp_path, url, "-o", tmp_path / "no.tap", model="other")
            assert unknown.returncode == 1, unknown.stderr
        finally:
            process.kill()
            process.wait()


def wait_for(url, process):
    for _ in range(240):
        assert process.poll() is None, "litellm ended"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("litellm does not start")
