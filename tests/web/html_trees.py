# SPDX-License-Identifier: Apache-2.0
"""Trees of HTML pages, from several parsers in one form, and what of a tree counts when two of them are compared.

A tree is an Element; a child is an Element or a string. Names in svg and math begin with "svg " and "math ".
"""

import re
import subprocess

WHITE = " \t\n\r\f"
SPACES = re.compile("[ \t\n\r\f]+")
LITERAL = {"pre", "listing", "textarea", "plaintext", "xmp", "script", "style", "title", "iframe", "noembed", "noframes"}
TABLE = {"table", "tbody", "thead", "tfoot", "tr", "colgroup", "col", "html", "head"}


class Element:
    def __init__(self, name, attributes=None):
        self.name, self.attributes, self.children = name, attributes or {}, []


def read_dump(text):
    """The tree in the form of html5lib-tests. Comments and doctypes are passed over; what is in a template is its child."""
    root, stack = None, []
    for item in re.findall(r"^\| (.*(?:\n(?!\| ).*)*)", text, re.M):
        content = item.lstrip(" ")
        depth = (len(item) - len(content)) // 2
        if content.startswith('"'):
            stack[depth - 1].children.append(content[1:content.rindex('"')])
        elif content.startswith(("<!", "<?")):
            stack[depth:] = [Element("comment")]
        elif content.startswith("<") and content.rstrip("\n").endswith(">"):
            element = Element(content.rstrip("\n")[1:-1])
            if depth:
                stack[depth - 1].children.append(element)
            else:
                root = element
            stack[depth:] = [element]
        elif content == "content":
            stack[depth:] = [stack[depth - 1]]
        else:
            name, value = content.split("=", 1)
            stack[depth - 1].attributes[name] = value[1:value.rindex('"')]
    return root


def of_html5lib(page):
    import html5lib

    def element_of(node):
        namespace = {"http://www.w3.org/2000/svg": "svg ", "http://www.w3.org/1998/Math/MathML": "math "}
        element = Element(namespace.get(node.namespaceURI, "") + node.tagName)
        for at in range(node.attributes.length):
            attribute = node.attributes.item(at)
            element.attributes["other" if attribute.namespaceURI else attribute.name] = attribute.value
        for child in node.childNodes:
            if child.nodeType == child.ELEMENT_NODE:
                element.children.append(element_of(child))
            elif child.nodeType == child.TEXT_NODE:
                element.children.append(child.data)
        return element

    document = html5lib.parse(page, treebuilder="dom", namespaceHTMLElements=True)
    return element_of(document.documentElement)


def of_justhtml(page):
    import justhtml

    def children_of(node):
        inside = getattr(node, "template_content", None)
        for child in [*(node.children or []), *(inside.children if inside else [])]:
            if child.name == "#text":
                yield child.data or ""
            elif not child.name.startswith(("#", "!")):
                element = Element({"svg": "svg ", "math": "math "}.get(child.namespace, "") + child.name)
                element.attributes = {name: value or "" for name, value in child.attrs.items()}
                element.children = list(children_of(child))
                yield element

    parsed = justhtml.JustHTML(page, sanitize=False, scripting_enabled=False)
    return next(child for child in children_of(parsed.root) if isinstance(child, Element))


class Ours:
    """dump_tree: one process for all pages."""

    def __init__(self, program):
        names = subprocess.run([program, "--names"], check=True, capture_output=True, text=True).stdout.split("\n")
        words = [line.split(" ") for line in names]
        self.elements = {word[1] for word in words if word[0] == "element"}
        self.blocks = {word[1] for word in words if word[0] == "element" and word[-1] == "block"}
        self.attributes = {word[1] for word in words if word[0] == "attribute"}
        self.process = subprocess.Popen([program, "--many"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, page):
        page = page.encode("utf-8", "surrogatepass")
        self.process.stdin.write(b"%d\n" % len(page) + page)
        self.process.stdin.flush()
        length = self.process.stdout.readline()
        if not length:
            raise RuntimeError(f"dump-tree ended with {self.process.wait()} on {page!r}")
        return read_dump(self.process.stdout.read(int(length)).decode("utf-8", "replace"))

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def normalised(tree, ours):
    """What is left of a tree without the deliberate differences, as lines.

    - Elements without meaning for a reader have no name ("#other"), attributes without one are not there; names in any case.
    - White space that no reader sees: at the edges of blocks, between the parts of a table, in the head; rows of it count as one.
    - NUL is dropped, not U+FFFD.
    """
    lines = []
    normalise(tree, ours, lines, "", literal=False, drop=False, edge=True)
    return lines


def normalise(element, ours, lines, indent, literal, drop, edge):
    """Whether the place behind the element is the edge of a block: nothing to see since that block began or ended."""
    space, name = re.fullmatch("(svg |math )?(.*)", element.name, re.S).groups()
    name = name.lower() if name.lower() in ours.elements else "#other"
    attributes = sorted((key, value) for key, value in element.attributes.items() if key in ours.attributes)
    lines.append(f"{indent}<{space or ''}{name}>" + "".join(f" {key}={value!r}" for key, value in attributes))
    literal = literal or (name in LITERAL and not space)
    drop = drop or name == "head"
    block = name in ours.blocks or name in TABLE
    edge = edge or block
    parts = []
    for child in element.children:
        if isinstance(child, str) and parts and isinstance(parts[-1], str):
            parts[-1] += child
        else:
            parts.append(child)
    for part in parts:
        if not isinstance(part, str):
            edge = normalise(part, ours, lines, indent + "  ", literal, drop, edge)
            continue
        part = part.translate({0: None, 0xfffd: None})
        if not literal:
            part = SPACES.sub(" ", part)
            part = part.lstrip(" ") if edge or drop else part
        if name in TABLE and not part.strip(WHITE):
            part = ""
        if part:
            lines.append(f"{indent}  {part!r}")
            edge = False
    return edge or block
