"""Verify an evidence archive with nothing but the Python standard library and the `openssl` command (3.0 or newer).

    python3 verify_archive.py FOLDER --key signing_key.pub [--expect-head MODEL=SHA256] [--days FROM TO]
FOLDER is a copy of the bucket, or a bag of `model-governance archive export` for the days FROM to TO. Take keys and heads
from the owner of the models, not from the archive. Exit code: 0 sound, 1 problems, 2 wrong usage. Not verified here, but by
`model-governance verify`: that findings follow from numbers and policy, waivers, times, and when a key was valid.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

NAMES = ("governance-run", "acceptance", "retraining-request", "hold", "tombstone", "waiver", "promotion")
KINDS = [f"{name}/v1" for name in NAMES]
PREFIX, TYPE = "model-governance:", "application/vnd.in-toto+json"
V1, TEST = "https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1"
RANK = ["skipped", "pass", "waived", "warn", "uncertain", "fail", "error"]  # from best to worst
WORDS = {"fail": "failed", "error": "failed", "warn": "warned", "uncertain": "warned", "waived": "warned"}
TEXTS = ("metric", "key", "outcome", "severity", "condition", "against", "n", "waiver", "sentence")


def ordered(value):
    """The value with the keys of objects in the order of RFC 8785."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))}
    return [ordered(each) for each in value] if isinstance(value, list) else value


def follows(verdict):
    """Whether a verdict is the worst of its findings, and stops the run where `fail_on` and `on_uncertain` say so."""
    uncertain = {"fail": 2, "warn": 1, "pass": 0}[verdict["on_uncertain"]]
    weights = {"error": 9, "fail": 2, "warn": 1, "uncertain": uncertain, "a remark": min(uncertain, 1)}
    found = [(each["outcome"], each["severity"]) for each in verdict["findings"]]
    names = ["a remark" if each[0] == "uncertain" and each[1] != "error" else each[0] for each in found]
    stops = max(weights.get(name, 0) for name in names) >= {"error": 2, "warn": 1, "never": 3}[verdict["fail_on"]]
    return (verdict["outcome"], verdict["stops"]) == (max((each[0] for each in found), key=RANK.index), stops)


def summary(check, findings):
    """What link, manifest and records must say alike about a check."""
    texts = [{name: each[name] for name in TEXTS} for each in findings]
    return {name: check[name] for name in ("name", "kind", "outcome", "stops", "record")} | {"findings": texts}


class Verifier:
    """Verifies the chains below a folder; `problems` holds code, place and sentence of each."""

    def __init__(self, root, keys, days):
        self.root, self.keys, self.days, self.links = root, keys, days, 0
        self.problems, self.digests, self.left_out = [], {}, set()
        self.problem = lambda *problem: self.problems.append(problem)
        self.word = lambda judged: "failed" if judged["stops"] else WORDS.get(judged["outcome"], "passed")

    def files(self, folder, ending=""):
        paths = (path.relative_to(self.root) for path in (self.root / folder).rglob(f"*{ending}") if path.is_file())
        return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))

    def content(self, key, sha256):
        """The bytes of an object, where it is there and has its digest."""
        content = (self.root / key).read_bytes() if (self.root / key).is_file() else None
        self.digests[key] = None if content is None else hashlib.sha256(content).hexdigest()
        return content if self.digests[key] == sha256 else None

    def model(self, model, head):
        """Verify every link of a model, then what only all show; returns the newest and the number of pruned objects."""
        folder, last, digest, newest, about, removed = f"v1/chain/model={model}", 0, None, None, set(), set()
        for key in self.files(folder):
            number = int(key[-23:-13]) if key[-23:-13].isdecimal() else 0
            if key != f"{folder}/{number // 1000:07d}/{number:010d}.intoto.jsonl":
                self.problem("chain.foreign", key, "lies among the links and is none")
                continue
            if number != last + 1:
                self.problem("chain.gap", key, f"links between {last} and {number} are not there")
            expected, last, digest, known = digest if number == last + 1 else None, number, None, len(self.problems)
            try:
                payload, statement, others, address = self.link(key, model, number)
                is_signed, kind = len(self.problems) == known, statement["predicateType"].removeprefix(PREFIX)
                if is_signed and kind == "tombstone/v1" and self.content(**address):
                    removed |= {(each["key"], each["sha256"]) for each in statement["predicate"]["document"]["removed"]}
                previous = (statement["predicate"]["previous"] or {}).get("sha256")
                if (number == 1 and previous) or (number > 1 and expected and previous != expected):
                    self.problem("chain.previous", key, f"names {previous} as the link before, which is {expected}")
                digest = newest = hashlib.sha256(payload).hexdigest()
                self.links, about = self.links + 1, about | {address["key"]}
                self.objects(key, statement, others, address)
            except Exception as error:
                self.problem("object.damaged" if digest else "link.damaged", key, f"{type(error).__name__}: {error}")
        pruned = [each for each in self.problems if each[0].endswith("missing") and (each[1], each[2][-64:]) in removed]
        self.problems = [each for each in self.problems if each not in pruned]
        runs = self.files(f"v1/runs/model={model}", "run_manifest.json")
        for key in (key for key in (*runs, *self.files(f"v1/acceptances/model={model}")) if key not in about):
            self.problem("evidence.unlinked", key, "is in no link: forged, or left by a writer that was killed")
        if newest is None or (head and head != newest):
            self.problem("chain.head" if newest else "chain.empty", folder, f"ends with {newest}, expected {head}")
        return last, newest, len(pruned)

    def link(self, key, model, number):
        """Payload, statement, those beside it, and address of a link; its form and signatures are verified."""
        *lines, rest = (self.root / key).read_bytes().split(b"\n")
        envelopes = [json.loads(line) for line in lines]
        payloads = [base64.b64decode(envelope["payload"]) for envelope in envelopes]
        statement, *others = statements = [json.loads(payload) for payload in payloads]
        for line, envelope, payload, each in zip(lines, envelopes, payloads, statements, strict=True):
            signatures = [(each["keyid"], base64.b64decode(each["sig"])) for each in envelope["signatures"]]
            again = [{"keyid": keyid, "sig": base64.b64encode(value).decode()} for keyid, value in signatures]
            again = {"payload": base64.b64encode(payload).decode(), "payloadType": TYPE, "signatures": again}
            spelled = json.dumps(ordered(each | {"_type": V1}), ensure_ascii=False, separators=(",", ":")).encode()
            if json.dumps(again, sort_keys=True, separators=(",", ":")).encode() != line or spelled != payload:
                raise ValueError("it is spelled in another way than it was written")
            if not any(self.is_signed(payload, keyid, value) for keyid, value in signatures):
                self.problem("link.signature", key, "a line is not signed by a key that was given")
        place, kind = statement["predicate"], statement["predicateType"].removeprefix(PREFIX)
        beside = [(TEST, statement["subject"][:1])] if kind == KINDS[0] else []
        found = [(each["predicateType"], each["subject"]) for each in others]
        if rest or kind not in KINDS or found != beside or (place["model_name"], place["sequence"]) != (model, number):
            raise ValueError("it is the link of another model or number, or its statements are of other kinds")
        return payloads[0], statement, others, place["manifest" if beside else "address"]

    def is_signed(self, payload, keyid, signature):
        """Whether openssl accepts the signature of the pre-authentication encoding (DSSE v1)."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "text").write_bytes(f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode() + payload)
            Path(folder, "sig").write_bytes(signature)  # without a key, openssl refuses
            names = ["pkeyutl", "-verify", "-rawin", "-in", "text", "-sigfile", "sig", *self.keys.get(keyid, ())]
            return subprocess.run(["openssl", *names], cwd=folder, capture_output=True, check=False).returncode == 0

    def objects(self, link, statement, others, address):
        """Verify the objects that a link names; those of runs outside the days of an export may be left out."""
        place = statement["predicate"]
        outside = others != [] and not self.days[0] <= place["run"]["logical_date"][:10] <= self.days[1]
        named = {(each["uri"], each["digest"]["sha256"]) for each in statement["subject"] if "uri" in each}
        for key, sha256 in sorted(named):
            if self.content(key, sha256) is None:
                if outside and self.digests[key] is None:
                    self.left_out.add(key)
                else:
                    self.problem("object.altered" if self.digests[key] else "object.missing", key, f"{link}: {sha256}")
        if others and (manifest := self.content(**address)):
            self.run(link, place, others[0]["predicate"], json.loads(manifest), address, named)

    def run(self, link, place, test, manifest, address, named):
        """Verify that link, manifest and records of a run agree, and that its verdict is the worst of its findings."""
        verdict, policy, findings, checks = manifest["verdict"], manifest["policy"], [], []
        tests = {"passedTests": [], "warnedTests": [], "failedTests": []}
        objects, where = {(at["key"], at["sha256"]) for at in (address, policy)}, address["key"]
        for row in manifest["checks"]:
            if (content := self.content(**row["record"]) if row["record"] else b"{}") is None:
                return  # said by `objects`
            said = json.loads(content).get("verdict") or {"outcome": "error", "stops": True, "findings": []}
            is_sound = not row["record"] or follows(said)
            if not is_sound or (row["outcome"], row["stops"]) != (said["outcome"], said["stops"]):
                self.problem("verdict.differs", where, f"{row['name']} is not {row['outcome']} by its record")
            findings += said["findings"]
            checks.append(summary(row, said["findings"]))
            tests[f"{self.word(row)}Tests"].append(row["name"])
            objects |= {(at["key"], at["sha256"]) for at in (row["record"], row["report"], *row["artifacts"]) if at}
        reported = [each for each in verdict["findings"] if each in findings or each["outcome"] != "error"]
        if reported != findings or not follows(verdict):
            self.problem("verdict.differs", where, "the verdict of the run is not the worst of its findings")
        configuration = [{"name": "policy.yaml", "digest": {"sha256": policy["sha256"]}, "uri": policy["key"]}]
        alike = {
            "run": place["run"] == manifest["run"] and place["policy"].items() <= policy.items(),
            "verdict": place["verdict"] | {"name": policy["name"], "findings": verdict["findings"]} == verdict,
            "checks": [summary(each, each["findings"]) for each in place["checks"]] == checks,
            "objects": {at for at in named if "/report" not in at[0] and at[1] != place["controls_sha256"]} == objects,
            "test result": test == {"result": self.word(verdict).upper(), "configuration": configuration} | tests,
        }
        if differing := ", ".join(name for name in alike if not alike[name]):
            self.problem("statement.differs", where, f"{link} states another {differing} than what it names")


def main():
    parser = argparse.ArgumentParser(description="Verify an evidence archive with the standard library and openssl.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="public key in PEM (repeatable)")
    parser.add_argument("--expect-head", action="append", default=[], metavar="MODEL=SHA256", help="(repeatable)")
    parser.add_argument("--days", nargs=2, default=("0", "9"), metavar=("FROM", "TO"), help="those of the export")
    options = parser.parse_args()
    keys, heads = {}, dict(each.split("=") for each in options.expect_head)
    for path in options.key:
        der = base64.b64decode("".join(path.read_text().split("-----")[2].split()))
        digest = () if len(der) == 44 else ("-digest", "sha256")  # ed25519, else P-256
        keys[hashlib.sha256(der).hexdigest()] = ["-pubin", "-inkey", path.resolve(), *digest]
    root = options.folder / "data" if (options.folder / "bagit.txt").is_file() else options.folder
    verifier = Verifier(root, keys, options.days)
    folders = (path.name for place in ("chain", "runs") for path in (root / "v1" / place).glob("model=*"))
    for model in sorted({name.removeprefix("model=") for name in folders} | set(heads)):
        print("{}: head {} sha256 {}, {} objects pruned".format(model, *verifier.model(model, heads.get(model))))
    total = f"{verifier.links} links, {len(verifier.digests)} objects, {len(verifier.left_out)} not in the export"
    print(*(f"{code}  {where}\n    {text}" for code, where, text in verifier.problems), total, sep="\n")
    return 1 if verifier.problems or not verifier.links else 0


if __name__ == "__main__":
    raise SystemExit(main())
