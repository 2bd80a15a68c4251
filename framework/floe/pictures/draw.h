// Drawing: lines, areas, text and images, as a picture of pixels and as SVG.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <floe/pictures/stroke_font.h>
#include <floe/tensor/tensor.h>

namespace floe {

// Of light, from 0 to 255.
struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};

// In pixels, from the upper left corner of the drawing to the right and down; the first pixel's centre is (0.5, 0.5).
struct Point {
  double x = 0, y = 0;
};

enum class Align { left, centre, right };  // which end of a text is at its point, in the direction of reading
enum class Anchor { baseline, middle };    // what of a text is at its point: the line under letters, or half a capital

// How a line is drawn, by name: {.width = 2, .colour = {200, 0, 0}}.
struct LineOptions {
  double width = 1;  // of the pen, which is round; 0 to 10,000 pixels
  Colour colour = {};
  double opacity = 1;  // 0 to 1; where a line crosses itself it is no darker
};
// How an area is filled, by name.
struct FillOptions {
  Colour colour = {};
  double opacity = 1;  // 0 to 1
};
// How a text looks, by name.
struct TextOptions {
  double size = 14;  // from line to line, 0 to 1,000 pixels; capitals are 0.7 of it high, small letters 0.5
  Colour colour = {};
  Align align = Align::left;
  Anchor anchor = Anchor::baseline;
  bool upwards = false;  // read from below to above, as along the axis of a chart
  double weight = 0.085;  // the pen's width as a part of the size, 0 to 0.5; the pen is at least a pixel wide
};
// How an image is placed, by name.
struct PlaceOptions {
  int scale = 1;  // the side of the square that a pixel of the image becomes; 1 to 4096
};

// The width of a line of text in pixels, with the gaps on both sides. ValueError as for Drawing::text().
double text_width(std::string_view text, double size);

// What is drawn later lies on what was drawn before. Points may lie outside, where they are cut. Coordinates are from
// -1,000,000 to 1,000,000 and are kept in hundredths of a pixel; colours are blended by the part of a pixel that is
// covered, in whole numbers, so that equal drawings have equal bits everywhere. ValueError for numbers out of range.
class Drawing {
 public:
  Drawing(int width, int height, Colour background = {255, 255, 255});  // 1 to 8192 pixels

  int width() const { return width_; }  // in pixels
  int height() const { return height_; }  // in pixels

  // One straight stroke.
  void line(Point from, Point to, const LineOptions& options = {});
  // Through all the points; one is a dot, and none is nothing.
  void polyline(const std::vector<Point>& points, const LineOptions& options = {});
  void disc(Point centre, double radius, const FillOptions& options = {});  // of 0 to 5,000 pixels
  // From its upper left corner; 0 to 1,000,000 pixels wide and high.
  void rectangle(Point corner, double width, double height, const FillOptions& options = {});
  // The last point is joined to the first. What the border runs round is filled, however often (SVG: nonzero).
  void polygon(const std::vector<Point>& points, const FillOptions& options = {});
  // A line of UTF-8. The baseline is moved to the nearest border of pixels, and the heights of letters are rounded to
  // pixels, which keeps small text sharp. What the font lacks is a box: see stroke_font.h.
  void text(Point at, std::string_view text, const TextOptions& options = {});
  // An image as save_png() takes it, with its errors, from its upper left corner.
  void place(const Tensor& image, int left, int top, const PlaceOptions& options = {});

  // (height, width, 3), uint8.
  Tensor image() const;
  // The same as an SVG document that needs nothing else; images are PNG in it, and text is strokes that have the text
  // for their title.
  std::string svg() const;

 private:
  enum class Kind { stroke, disc, area, text, image };
  struct Item {
    Kind kind;
    std::vector<Strand> strands;  // in hundredths of a pixel, y down; of an image, its upper left corner
    std::int64_t width;           // of the pen, in hundredths of a pixel; of an image, its scale
    Colour colour;
    int opacity;        // of 255
    std::string label;  // of text
    Tensor pixels;      // of an image
  };
  static std::string svg_of(const Item& item);

  int width_, height_;
  Colour background_;
  std::vector<Item> items_;
};

}  // namespace floe
