"""What every figure of the course keeps: an image, words, a page's width, letters that can be read."""

from matplotlib.text import Text


def assert_readable(picture):
    assert picture.png().startswith(b"\x89PNG")
    assert len(picture.alt) > 30
    assert "nan" not in picture.alt
    width, height = picture.figure.get_size_inches()
    assert width <= 11, "wider than a notebook's column: it would be shrunk, and its letters with it"
    assert height <= 9
    for text in picture.figure.findobj(Text):
        assert not text.get_text() or text.get_fontsize() >= 8, text.get_text()
