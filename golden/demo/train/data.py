"""Vocabulary and stories: reading, repairing, splitting, encoding, decoding."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BOS = 1
EOS = 2
HELD_OUT = 150  # the last stories of the corpus are never trained on
EXCERPT_BYTES = 64_000

SHA256 = {
    "stories260K.bin": "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696",
    "tok512.bin": "037cb335abb25d1fa9e8ecae30ed2a3a8ace9302862ebcdc05d51a6bbb10c312",
    "tinystories-944k.txt": "c56cfd24fb1c542b141a396184b822a4db3672abdb4c49c6aa843171c5e822a5",
}


def read_checked(folder: Path, name: str) -> bytes:
    """One input file, refused unless it is byte for byte the one the results were made from."""
    content = (folder / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise SystemExit(f"{name}: sha256 is {digest}, expected {SHA256[name]}")
    return content


@dataclass(frozen=True)
class Tokenizer:
    """The llama2.c byte-pair scheme: merge the adjacent pair with the best score, until none is left."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]

    @staticmethod
    def from_llama2c(content: bytes) -> Tokenizer:
        pieces: list[str] = []
        scores: list[float] = []
        at = 4  # skips the length of the longest piece
        while at < len(content):
            score, length = struct.unpack_from("<fI", content, at)
            at += 8
            pieces.append(content[at : at + length].decode("utf-8").strip("\n"))
            scores.append(score + 0.0)  # "+ 0.0" turns the file's -0 into 0
            at += length
        return Tokenizer(tuple(pieces), tuple(scores))

    @staticmethod
    def from_json(path: Path) -> Tokenizer:
        table = json.loads(path.read_text("utf-8"))
        return Tokenizer(tuple(table["pieces"]), tuple(table["scores"]))

    def encode(self, text: str) -> list[int]:
        """BOS, then the text with one space put before it.

        No piece holds a space anywhere but at its start, so no merge crosses one, and each word can be
        encoded by itself (and remembered).
        """
        tokens = [BOS]
        for word in re.findall(r" [^ ]*|[^ ]+", " " + text):
            tokens.extend(_encode_word(self, word))
        return tokens

    def decode(self, tokens: list[int]) -> str:
        """Text of the tokens; the space that encode() put in front is dropped, BOS and EOS end the text."""
        out = bytearray()
        for token in tokens:
            if token in (BOS, EOS):
                if out:
                    break
                continue
            byte = re.fullmatch(r"<0x([0-9A-F]{2})>", self.pieces[token])
            out += bytes([int(byte[1], 16)]) if byte else self.pieces[token].encode("utf-8")
        text = out.decode("utf-8", errors="replace")
        return text[1:] if text.startswith(" ") else text


@lru_cache(maxsize=None)
def _index(tokenizer: Tokenizer) -> dict[str, int]:
    return {piece: token for token, piece in enumerate(tokenizer.pieces)}


@lru_cache(maxsize=100_000)
def _encode_word(tokenizer: Tokenizer, word: str) -> tuple[int, ...]:
    index = _index(tokenizer)
    tokens: list[int] = []
    for character in word:
        if character in index:
            tokens.append(index[character])
        else:
            tokens.extend(byte + 3 for byte in character.encode("utf-8"))
    while True:
        best = None
        for at in range(len(tokens) - 1):
            joined = index.get(tokenizer.pieces[tokens[at]] + tokenizer.pieces[tokens[at + 1]])
            if joined is not None and (best is None or tokenizer.scores[joined] > tokenizer.scores[best[1]]):
                best = (at, joined)
        if best is None:
            return tuple(tokens)
        tokens[best[0] : best[0] + 2] = [best[1]]


# UTF-8 punctuation that was once read as Windows-1252; the closing quote has lost its third byte.
_MOJIBAKE = (("â€œ", '"'), ("â€™", "'"), ("â€“", "-"), ("â€”", "-"), ("â€", '"'))


def read_stories(content: bytes) -> list[str]:
    """Whole stories, one "\\n" between paragraphs.

    The corpus has one "\\n" between stories and two between paragraphs; the teacher was trained on
    one between paragraphs. Fragments (a wrong break in the corpus) are left out.
    """
    text = content.decode("utf-8")
    for wrong, right in _MOJIBAKE:
        text = text.replace(wrong, right)
    stories = (re.sub(r"\s*\n\s*", "\n", story.strip()) for story in re.split(r"(?<!\n)\n(?!\n)", text))
    return [story for story in stories if len(story) >= 200 and (story[0].isupper() or story[0] == '"')]


def write_excerpt(stories: list[str], path: Path) -> None:
    """As many of the held-out stories as fit, from the first: lines of one story together, an empty line between."""
    kept = ""
    for story in stories:
        group = story + "\n"
        candidate = group if not kept else kept + "\n" + group
        if len(candidate.encode("utf-8")) > EXCERPT_BYTES:
            break
        kept = candidate
    path.write_text(kept, "utf-8")


def read_excerpt(path: Path) -> list[str]:
    return [group.strip("\n") for group in path.read_text("utf-8").split("\n\n")]
