# SPDX-License-Identifier: Apache-2.0
"""Pages that nobody would write and browsers must read all the same: from a grammar, then broken at random."""

import html.entities
import random

GROUPS = {
    "formatting": ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"],
    "inline": ["span", "abbr", "sub", "sup", "label", "q", "cite", "x-other", "ruby", "rb", "rt", "rtc", "rp", "bdo"],
    "block": ["p", "p", "p", "div", "div", "section", "blockquote", "center", "address", "pre", "listing", "article", "details", "summary",
              "dialog", "figure", "fieldset", "main", "search", "menu", "h1", "h2", "h3", "hgroup"],
    "list": ["ul", "ol", "li", "li", "li", "dl", "dt", "dd", "dir"],
    "table": ["table", "table", "tr", "tr", "td", "td", "th", "tbody", "thead", "tfoot", "caption", "colgroup", "col"],
    "form": ["form", "button", "input", "select", "option", "optgroup", "textarea", "fieldset"],
    "void": ["br", "hr", "img", "input", "wbr", "area", "embed", "param", "source", "track", "link", "meta", "keygen", "image", "base"],
    "raw": ["script", "style", "textarea", "title", "xmp", "iframe", "noembed"],
    "foreign": ["svg", "svg", "math", "math", "mi", "mo", "mtext", "foreignObject", "desc", "title", "annotation-xml", "g", "path", "mglyph"],
    "wall": ["applet", "object", "marquee", "template", "template"],
    "page": ["html", "head", "body", "noscript"],
}
WEIGHTS = {"formatting": 8, "inline": 4, "block": 7, "list": 4, "table": 9, "form": 3, "void": 2, "raw": 1, "foreign": 3, "wall": 2, "page": 1}
NESTS = {
    "table": ["tr", "tbody", "caption", "colgroup", "thead", "td"], "tbody": ["tr"], "thead": ["tr"], "tr": ["td", "th"], "colgroup": ["col"],
    "ul": ["li"], "ol": ["li"], "dl": ["dt", "dd"], "select": ["option", "optgroup", "hr"], "optgroup": ["option"],
    "svg": ["g", "path", "foreignObject", "desc", "title", "svg", "a"], "math": ["mi", "mo", "mtext", "annotation-xml"],
    "ruby": ["rb", "rt", "rp", "rtc"], "head": ["title", "meta", "script", "style", "noscript", "template", "base", "link"],
    "template": ["td", "tr", "col", "caption", "div", "p", "template", "tbody"],
}
ENTITIES = ["&amp;", "&lt", "&copy", "&copyx", "&notin;", "&notit;", "&nbsp;", "&#65;", "&#x41", "&#150;", "&#xD800;", "&#0;", "&#1114112;",
            "&", "&;", "&#", "&#x;", "&unknown;", "&NotEqualTilde;", "&lt;b&gt;", "&eacute", "&AMP", "&ampamp;", "&#x1F600;"]
TEXTS = ["x", "text", " ", "  two words ", "\n", "<", "a<3", "é", "漢字", "a > b", '"', "]]>", "-->", "\t", "one\n two", "</", "<>", "</>"]
OTHERS = ["<!-- c -->", "<!---->", "<!-->", "<!--->", "<!-- > -->", "<!-- -- -->", "<!x>", "<?pi x?>", "</ x>", "</3>",
          "<![CDATA[ x<b>y ]]>", "<!DOCTYPE html>", "</br>", "</p>", "<a/>", "<br/>", "<div/>", "<p/ >"]
NAMES = ["class", "id", "href", "title", "CLASS", "Href", "data-x", "open", "alt", "src", "colspan", "=x", "a'b", "<", "type", "encoding"]
VALUES = ["", "x", "a b", "&amp;", "&lt", "a&copy=b", "a&copy", "&notit;", "?a=1&lang=en&reg=2", ">", "<b>", "/", "hidden", "text/html", "'", "é", "\n", "&#150;",
          "http://x/?a&b"]

KNOWN_TRAPS = ["<p>x<table>y</table>z", "<b><b><b><b><b>x<p>y", "<a><div>x<a>y", "<b><i><u><s><p>x</b>y", "<b><p>x</b>y<p>z", "<table><a>x<tr><td>y</a>z",
               "<i><b><p>1</i>2<div>3</b>4", "<ul><li>a<ul><li>b</li>c</ul>d<li>e", "<table><tr><td><table><tr><td>x</table>y</td>z", "<h1>a<h2>b</h1>c",
               "<dl><dt>a<dd>b<dt>c", "<nobr>a<nobr>b", "<button>a<button>b", "<select><option>a<option>b<optgroup>c</select>d", "</p>x", "</br>x"]


class Pages:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def attribute(self):
        pick = self.random.choice
        name, value, form = pick(NAMES), pick(VALUES), self.random.randrange(6)
        if form == 0:
            return name
        if form == 1:
            return f"{name}={value.replace(' ', '').replace('>', '').replace(chr(10), '') or 'y'}"
        equals = pick(["=", "=", " = ", "\n=\t"])
        if form < 4 and "'" not in value:
            return f"{name}{equals}'{value}'"
        return f'{name}{equals}"{value}"'

    def open(self, name):
        chance = self.random.random()
        if chance < 0.03:
            name = name.upper()
        count = 0 if self.random.random() < 0.7 else self.random.randrange(1, 4)
        attributes = "".join(self.random.choice([" ", " ", "\n", "/", "  "]) + self.attribute() for _ in range(count))
        if name == "input" and self.random.random() < 0.3:
            attributes = " type=hidden"
        end = self.random.choice([""] * 12 + ["/", " /", " "])
        return f"<{name}{attributes}{end}>"

    def name(self):
        group = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        return self.random.choice(GROUPS[group])

    def text(self):
        chance = self.random.random()
        return self.random.choice(TEXTS if chance < 0.7 else ENTITIES if chance < 0.8 else OTHERS if chance < 0.9 else KNOWN_TRAPS)

    def nested(self, depth, name=None):
        """As an author means it."""
        name = name or self.name()
        parts = [self.open(name)]
        if name in GROUPS["void"]:
            return parts
        for _ in range(self.random.randrange(4)):
            if depth and self.random.random() < 0.7:
                inner = self.random.choice(NESTS[name]) if name in NESTS and self.random.random() < 0.8 else None
                parts += self.nested(depth - 1, inner)
            else:
                parts.append(self.text())
        return parts + [f"</{name}>"]

    def soup(self):
        parts, names = [], self.random.sample([name for group in GROUPS.values() for name in group], 9)
        for _ in range(self.random.randrange(2, 30)):
            name = self.random.choice(names)
            chance = self.random.random()
            parts.append(self.open(name) if chance < 0.5 else f"</{name}>" if chance < 0.75 else self.text())
        return parts

    def broken(self, parts):
        for _ in range(self.random.randrange(5)):
            at, other = self.random.randrange(len(parts)), self.random.randrange(len(parts))
            kind = self.random.randrange(4)
            if kind == 0:
                parts[at], parts[other] = parts[other], parts[at]
            elif kind == 1 and len(parts) > 1:
                del parts[at]
            elif kind == 2:
                parts.insert(at, parts[other])
            else:
                parts.insert(at, self.open(self.name()) if self.random.random() < 0.6 else f"</{self.name()}>")
        return parts

    def page(self):
        if self.random.random() < 0.4:
            parts = self.soup()
        else:
            parts = self.broken([part for _ in range(self.random.randrange(1, 4)) for part in self.nested(4)])
        text = "".join(parts)
        if self.random.random() < 0.5:
            text = "<!DOCTYPE html>" + text
        if self.random.random() < 0.1:
            text = text[:self.random.randrange(len(text) + 1)]
        return text


NUMBERS = [*range(0x180), 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfdd0, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1ffff, 0x10ffff, 0x110000,
           0x7fffffff, 0xffffffff, 1 << 32, 1 << 64]


def references():
    """Every character reference by name and many by number, with what may stand behind them."""
    for name in html.entities.html5:
        name = name.removesuffix(";")
        yield from (name, name + ";", name + "x", name + "1", name + "=", name + ";;", name + " ")
    for number in NUMBERS:
        yield from (f"#{number}", f"#{number};", f"#x{number:x}", f"#X{number:X};", f"#0{number}z", f"#{number:030};")


def reference_pages():
    """In text, in quoted and in bare attributes; 200 on a page."""
    paragraphs = [f"<p title='&{name}' class=a&{name}>.&{name}" for name in references()]
    for at in range(0, len(paragraphs), 200):
        yield "<!DOCTYPE html>" + "\n".join(paragraphs[at:at + 200])
