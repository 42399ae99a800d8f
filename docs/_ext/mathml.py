"""Formulas as MathML: browsers draw them with no script, and with no network."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from docutils.utils.math.unichar2tex import uni2tex_table
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

COMMANDS = {**uni2tex_table, ord("Σ"): r"\sum ", ord("…"): r"\ldots ", ord("·"): r"\cdot "}
"""What TeX calls the signs that formulas of docstrings have as they are; Σ is a sum there."""


def mathml(tex: str, *, block: bool) -> str:
    """Return a formula as MathML; what can't be read is an error.

    Parameters
    ----------
    tex
        TeX, Unicode signs welcome.
    block
        Whether it stands by itself.
    """
    return tex2mathml(tex.translate(COMMANDS), as_block=block)


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands by itself, with its number where it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})</span>')
    self.body.append(mathml(node.astext(), block=True))
    self.body.append("</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
