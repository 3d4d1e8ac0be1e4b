"""Text to tokens as the importers do it: llama2.c's tokenizer.bin, or tokenizer.json through Hugging Face's `tokenizers`."""
from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Protocol

from architecture import InputError

#: A line of this stands between two documents of a text file.
SEPARATOR = "<|endoftext|>"


class Tokenizer(Protocol):
    @property
    def bos(self) -> int | None: ...
    @property
    def size(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Without BOS."""

    def decode(self, tokens: list[int]) -> str:
        """Of a document from its beginning; what is no whole character yet becomes U+FFFD."""

    def files(self) -> dict[str, bytes]:
        """What lies beside a model that has this tokenizer."""


class Llama2cTokenizer:
    """Pieces with scores; the adjacent pair whose union scores highest is merged first (golden/import/tokenizer.ts)."""

    bos = 1

    def __init__(self, path: Path, vocab: int):
        self.raw = raw = path.read_bytes()
        self.pieces: list[str] = []
        self.scores: list[float] = []
        at = 4
        for token in range(vocab):
            if at + 8 > len(raw):
                raise InputError(f"{path}: the file ends inside token {token} of {vocab}. Use the tokenizer that belongs to the checkpoint.")
            score, length = struct.unpack_from("<fI", raw, at)
            self.pieces.append(raw[at + 8 : at + 8 + length].decode("utf-8", "replace"))
            self.scores.append(score)
            at += 8 + length
        self.size = vocab
        self.ids: dict[str, int] = {}
        for token, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, token)
        # Where no piece has a space inside, words merge on their own, and each but once.
        self.by_word = not any(" " in piece[1:] for piece in self.pieces)
        self.words: dict[str, list[int]] = {}

    def _merged(self, text: str) -> list[int]:
        tokens: list[int] = []
        for character in text:
            one = self.ids.get(character)
            tokens += [one] if one is not None else [byte + 3 for byte in character.encode()]
        while True:
            best, where, what = -float("inf"), -1, -1
            for i in range(len(tokens) - 1):
                union = self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]])
                if union is not None and self.scores[union] > best:
                    best, where, what = self.scores[union], i, union
            if where < 0:
                return tokens
            tokens[where : where + 2] = [what]

    def encode(self, text: str) -> list[int]:
        if not self.by_word:
            return self._merged(" " + text)
        tokens: list[int] = []
        for word in re.findall(r" ?[^ ]+| ", " " + text):
            if word not in self.words:
                self.words[word] = self._merged(word)
            tokens += self.words[word]
        return tokens

    def decode(self, tokens: list[int]) -> str:
        out = bytearray()
        for token in tokens:
            piece = self.pieces[token]
            byte = re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", piece)
            out += bytes([int(byte.group(1), 16)]) if byte else b"" if token in (1, 2) else piece.encode()
        return out.removeprefix(b" ").decode("utf-8", "replace")

    def files(self) -> dict[str, bytes]:
        return {"tokenizer.bin": self.raw}


class FolderTokenizer:
    """tokenizer.json of a Hugging Face folder."""

    def __init__(self, path: Path):
        from tokenizers import Tokenizer as Library  # needed for such folders only

        self.path = path
        self.library = Library.from_file(str(path))
        self.size = self.library.get_vocab_size()
        bare, special = self.library.encode("a", add_special_tokens=False).ids, self.library.encode("a").ids
        self.bos = special[0] if len(special) > len(bare) and special[0] != bare[0] else None

    def encode(self, text: str) -> list[int]:
        return self.library.encode(text, add_special_tokens=False).ids

    def decode(self, tokens: list[int]) -> str:
        return self.library.decode(tokens)

    def files(self) -> dict[str, bytes]:
        """As gateloom quantise keeps them (golden/import/write/tokenizerFiles.ts): stops stand in two files of the folder."""
        folder = self.path.parent
        out = {"tokenizer.json": self.path.read_bytes()}
        out |= {name: (folder / name).read_bytes() for name in ("tokenizer_config.json", "chat_template.jinja") if (folder / name).exists()}
        stops: list[int] = []
        for name in ("generation_config.json", "config.json"):
            found = json.loads((folder / name).read_text()).get("eos_token_id") if (folder / name).exists() else None
            stops += found if isinstance(found, list) else [] if found is None else [found]
        if stops:
            out["generation_config.json"] = json.dumps({"eos_token_id": list(dict.fromkeys(stops))}).encode()
        return out


def open_tokenizer(teacher: Path, given: Path | None, vocab: int) -> Tokenizer | None:
    """The one that was given, or that lies with the teacher."""
    if given is not None and not given.exists():
        raise InputError(f"--tokenizer {given}: there is no such file.")
    folder = teacher if teacher.is_dir() else teacher.parent
    beside = [folder / "tokenizer.json"] if teacher.is_dir() else [folder / "tokenizer.bin", folder / f"tok{vocab}.bin"]
    path = given or next((one for one in beside if one.exists()), None)
    if path is None:
        return None
    found: Tokenizer = Llama2cTokenizer(path, vocab) if path.suffix == ".bin" else FolderTokenizer(path)
    if found.size > vocab:
        raise InputError(f"{path}: the tokenizer has {found.size} tokens, the model only {vocab}. Use the one that belongs to it.")
    return found


def documents(path: Path) -> list[str]:
    """Texts between lines `<|endoftext|>`, as gateloom eval reads them."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start}: this is not UTF-8. Save the text as UTF-8.") from error
    parts = re.split(rf"^{re.escape(SEPARATOR)}$", text, flags=re.M)
    return [part.strip("\n") for part in parts if part.strip("\n")]
