# Reads a bundle with the reference implementations of DSSE and in-toto, and
# checks its signatures: interop.py BUNDLE PUBLIC_KEY
import base64, copy, json, sys
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

predicates = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}
bundle, key = sys.argv[1:]
public = load_ssh_public_key(open(key, "rb").read())
for line in open(bundle):
    d = json.loads(line)
    key = SSlibKey.from_crypto(public, keyid=d["signatures"][0]["keyid"])
    Envelope.from_dict(copy.deepcopy(d)).verify([key], 1)
    s = json_format.Parse(base64.b64decode(d["payload"]), statement_pb2.Statement())
    Statement.copy_from_pb(s).validate()
    predicate = json_format.MessageToDict(s.predicate)
    json_format.ParseDict(predicate, predicates[s.predicate_type](), ignore_unknown_fields=True)
    print("good:", s.predicate_type)
