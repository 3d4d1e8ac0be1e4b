"""Development only: are our token ids those of Hugging Face's Rust `tokenizers`, built here from the same GGUF metadata?

    pip install tokenizers gguf
    npx tsx golden/import/check/tokens.ts FILE.gguf TEXT.txt IDS.json
    python golden/import/check/tokenizer_equal.py FILE.gguf TEXT.txt IDS.json

Reads tokenizer.ggml.model "gpt2" with the words of smollm (single digits, then GPT-2's) and "llama".
"""

import json
import sys

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

path, text, ids = sys.argv[1:4]
fields = GGUFReader(path).fields
read = lambda key: fields[f"tokenizer.ggml.{key}"].contents() if f"tokenizer.ggml.{key}" in fields else None
tokens, types = read("tokens"), read("token_type")
vocab = {token: id for id, token in enumerate(tokens)}
if read("model") == "gpt2":
    assert read("pre") == "smollm"
    tokenizer = Tokenizer(models.BPE(vocab, [tuple(merge.split(" ")) for merge in read("merges")]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
else:
    scores = read("scores")
    merges = [
        (token[:at], token[at:])
        for token in sorted((t for t in tokens if types[vocab[t]] == 1), key=lambda t: -scores[vocab[t]])
        for at in range(1, len(token))
        if token[:at] in vocab and token[at:] in vocab
    ]
    tokenizer = Tokenizer(models.BPE(vocab, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == 3])
with open(text, newline="") as file:
    theirs = tokenizer.encode(file.read(), add_special_tokens=False).ids
ours = json.load(open(ids))
for i, (a, b) in enumerate(zip(theirs, ours)):
    if a != b:
        print("first difference at", i, [tokens[t] for t in theirs[i : i + 5]], [tokens[t] for t in ours[i : i + 5]])
        break
print(len(theirs), "tokens:", "equal" if theirs == ours else "different")
sys.exit(0 if theirs == ours else 1)
