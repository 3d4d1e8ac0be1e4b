"""Tokenizer (llama2.c BPE) and the stories."""
import re
import struct

BOS = 1
# Between stories in heldout.txt, as in the TinyStories files themselves.
SEPARATOR = "<|endoftext|>"


class Tokenizer:
    def __init__(self, path: str, vocab: int):
        raw = open(path, "rb").read()
        at = 4
        self.pieces: list[str] = []
        self.scores: list[float] = []
        for _ in range(vocab):
            score, n = struct.unpack_from("<fi", raw, at)
            self.pieces.append(raw[at + 8 : at + 8 + n].decode("utf-8"))
            self.scores.append(score)
            at += 8 + n
        self.ids = {p: i for i, p in enumerate(self.pieces)}
        self.words: dict[str, list[int]] = {}

    def _merge(self, ids: list[int]) -> list[int]:
        while True:
            best, where, what = -1e10, -1, -1
            for i in range(len(ids) - 1):
                joined = self.ids.get(self.pieces[ids[i]] + self.pieces[ids[i + 1]])
                if joined is not None and self.scores[joined] > best:
                    best, where, what = self.scores[joined], i, joined
            if where < 0:
                return ids
            ids[where : where + 2] = [what]

    def _word(self, word: str) -> list[int]:
        if word not in self.words:
            ids: list[int] = []
            for ch in word:
                one = self.ids.get(ch)
                ids += [one] if one is not None else [b + 3 for b in ch.encode()]
            self.words[word] = self._merge(ids)
        return self.words[word]

    def encode(self, text: str) -> list[int]:
        """BOS, then the text with the dummy space in front. No piece holds an inner space, so words merge on their own."""
        ids = [BOS]
        for word in re.findall(r" ?[^ ]+| ", " " + text):
            ids += self._word(word)
        return ids

    def decode(self, ids: list[int]) -> str:
        out = bytearray()
        for i in ids:
            p = self.pieces[i]
            m = re.fullmatch(r"<0x([0-9A-F]{2})>", p)
            out += bytes([int(m.group(1), 16)]) if m else p.encode()
        return out.decode("utf-8", "replace")


MOJIBAKE = {"â€œ": '"', "â€\x9d": '"', "â€": '"', "â€™": "'", "â€˜": "'", "â€”": "-", "â€“": "-", "â€¦": "...", "“": '"', "”": '"', "’": "'", "‘": "'", "—": "-", "–": "-", "…": "..."}


def stories(path: str) -> list[str]:
    """One story per element; a single newline parts stories, a blank line stands inside one."""
    text = open(path, encoding="utf-8").read()
    for bad, good in MOJIBAKE.items():
        text = text.replace(bad, good)
    parts = re.split(r"(?<!\n)\n(?!\n)", text)
    return [p.strip() for p in parts if p.strip()]
