"""The small pages behind a postpone link: values -> one HTML document, complete without script, images or fonts.

Sentences quote what people typed into tags and policies, so every text is escaped, and the page forbids itself
whatever it does not need: only its own style and a form to its own origin.
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from types import MappingProxyType

from shared.reports.notice import plain

LISTED = 12
MEDIA = "text/html; charset=utf-8"

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2433;--soft:#5b6477;--paper:#f4f2ec;--card:#fff;--line:#dcd8cc;
--lamp:#b45309;--on-lamp:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#eceff4;--soft:#a5adbd;--paper:#12151c;--card:#1b202b;--line:#333b4a;
--lamp:#f5b342;--on-lamp:#1d1503}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:var(--paper);color:var(--ink);
font:1.0625rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;padding:1.25rem}
main{max-width:42rem;margin:4vh auto 0;background:var(--card);border:1px solid var(--line);
border-top:4px solid var(--lamp);border-radius:.75rem;padding:1.5rem}
.brand{margin:0 0 1rem;color:var(--soft);font-size:.9375rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem;overflow-wrap:anywhere}
p{margin:0 0 1rem}
ul{margin:0 0 1.25rem;padding:0;list-style:none;border-top:1px solid var(--line)}
li{padding:.625rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
.choices{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));margin:0 0 1.25rem}
button{font:inherit;font-weight:600;min-height:3.75rem;padding:.5rem .75rem;border-radius:.5rem;cursor:pointer;
border:1px solid var(--lamp);background:transparent;color:var(--ink)}
button.first{background:var(--lamp);color:var(--on-lamp)}
button small{display:block;font-weight:400;font-size:.875rem}
button:hover{filter:brightness(1.08)}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.soft{color:var(--soft);font-size:.9375rem;margin:0}
""".strip()

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
)
"""What goes along with every page. The address holds a token: it must travel no further."""


@dataclass(frozen=True, slots=True)
class Button:
    """`value` is what it sends, `label` and `hint` what people read."""

    value: str
    label: str
    hint: str
    is_first: bool = False


def offer(title: str, sentences: Sequence[str], buttons: Sequence[Button], token: str) -> str:
    """What stops when, and a button for each length of time. Nothing happens before one is pressed."""
    if not buttons:
        return told(
            title,
            "A person may keep this on only for a short time, which would be over before it stops. "
            "Open this page again shortly before.",
            sentences,
        )
    pressed = "".join(
        f'<button name="for" value="{escape(one.value)}"{" class=first" if one.is_first else ""}>'
        f"{escape(one.label)}<small>{escape(one.hint)}</small></button>"
        for one in buttons
    )
    form = (
        f'<form method="post" action="postpone"><input type="hidden" name="t" value="{escape(token)}">'
        f'<div class="choices">{pressed}</div></form>'
    )
    small = '<p class="soft">Nothing happens until you press a button. The link works once.</p>'
    return _page(title, f"{_list(sentences)}<p>How long do you need it?</p>{form}{small}")


def told(title: str, sentence: str, sentences: Sequence[str] = ()) -> str:
    """What became of it, in one sentence; `sentences` are listed above."""
    return _page(title, f"{_list(sentences)}<p>{escape(sentence)}</p>")


def _list(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    lines = [f"<li>{escape(plain(one))}</li>" for one in sentences[:LISTED]]
    if len(sentences) > LISTED:
        lines.append(f'<li class="soft">and {len(sentences) - LISTED} more, as the message listed them</li>')
    return f"<ul>{''.join(lines)}</ul>"


def _page(title: str, inner: str) -> str:
    heading = escape(title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{heading} - Lamplighter</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="brand">Lamplighter</p><h1>{heading}</h1>{inner}</main></body></html>\n'
    )
