// Floe's own stroke font: a line of text as the strokes of a pen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace floe {

// Whole numbers, so that every machine and build draws the same.
struct GridPoint {
  std::int64_t x = 0, y = 0;
  bool operator==(const GridPoint&) const = default;
};

// What a pen draws without being lifted: its start, then for each piece the two control points and the end of a cubic
// Bézier curve. The control points of a straight piece are its ends. A start alone is a dot.
using Strand = std::vector<GridPoint>;

// Into ten thousandths of the size of the text, which is the distance from line to line.
constexpr std::int64_t font_units = 10000, font_x_height = 5000, font_capitals = 7000;

// The text is one line of UTF-8. The font has ASCII, Latin-1, some Greek letters (Δ Σ α β γ ε θ λ μ π σ) and some signs
// (€ – — − „ “ ” ‘ ’ ‚ … • → ≤ ≥ ≈ Œ œ); every other character, and every byte that is not UTF-8, is a box.
struct TextStrokes {
  std::vector<Strand> strands;  // x from 0 to the right, y from the line that letters stand on upwards
  std::int64_t width = 0;       // up to where the next character would begin
};
TextStrokes text_strokes(std::string_view text);

// The same text with U+FFFD for each byte that is not UTF-8, and for control characters, which XML forbids.
std::string readable_text(std::string_view text);

}  // namespace floe
