// Five builds: one outline from the front, head on trunk, turned head, profile in one line, profile head on trunk.
#include "body.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace floe::penguins {
namespace {

constexpr float full_turn = 2 * std::numbers::pi_v<float>;
constexpr float upwards = -full_turn / 4;

// How wide a standing shape is at the heights of `silhouette_heights`, of its largest half width.
constexpr std::size_t knots_per_side = 8;
using Silhouette = std::array<float, knots_per_side>;
constexpr Silhouette silhouette_heights = {0.015f, 0.06f, 0.16f, 0.30f, 0.50f, 0.72f, 0.90f, 1.00f};
constexpr Silhouette silhouettes[] = {
    {0.30f, 0.60f, 0.88f, 0.97f, 1.00f, 1.00f, 0.95f, 0.70f},  // bullet
    {0.24f, 0.46f, 0.70f, 0.86f, 0.97f, 1.00f, 0.86f, 0.45f},  // egg
    {0.22f, 0.42f, 0.58f, 0.62f, 0.84f, 1.00f, 0.88f, 0.50f},  // pear
    {0.22f, 0.40f, 0.50f, 0.42f, 0.76f, 0.98f, 0.90f, 0.50f},  // bottle
    {0.20f, 0.40f, 0.56f, 0.64f, 0.78f, 0.92f, 1.00f, 0.90f},  // bell
};

// A deviation that is mostly small and never wild.
float deviation(Rng& rng, float typical) { return typical * std::clamp(rng.normal(), -2.5f, 2.5f); }

Point near(Rng& rng, Point point, float typical) {
  const float x = deviation(rng, typical);
  return point + Point{x, deviation(rng, typical)};
}

// An upright egg about `centre`, heavier below.
Path egg(Rng& rng, Point centre, Point half) {
  const float low = rng.uniform(0.0f, 0.25f);
  Path knots;
  for (int i = 0; i < 8; ++i) {
    const float angle = upwards + full_turn * static_cast<float>(i) / 8;
    const float widening = 1 + low * std::sin(angle);
    const Point edge{half.x * widening * std::cos(angle), half.y * std::sin(angle)};
    knots.push_back(near(rng, centre + edge, 0.04f * half.x));
  }
  return smooth(knots, true);
}

Body front(Rng& rng, Pen& pen) {
  // Choose a shape and how stout it is.
  const Silhouette& shape = silhouettes[pick(rng, {0.28f, 0.20f, 0.26f, 0.14f, 0.12f})];
  const float half_width = std::clamp(0.265f + deviation(rng, 0.05f), 0.16f, 0.38f);

  // Go up its left side and down its right one.
  Path left, right;
  for (std::size_t i = 0; i < knots_per_side; ++i) {
    const Point knot{half_width * shape[i], silhouette_heights[i]};
    left.push_back(near(rng, {-knot.x, knot.y}, 0.010f));
    right.push_back(near(rng, knot, 0.010f));
  }
  Path knots(left.rbegin(), left.rend());
  knots.insert(knots.end(), right.begin(), right.end());

  // Close it below, round or flat, or leave it open.
  enum Bottom { round, flat, open };
  const int bottom = pick(rng, {0.42f, 0.48f, 0.10f});
  if (bottom == round) knots.push_back({0, 1 + rng.uniform(0.0f, 0.05f)});
  Body body;
  body.outline = smooth(knots, bottom == round);
  if (bottom == open) {
    pen.draw(body.outline);
  } else {
    body.outline.push_back(body.outline.front());
    pen.draw_closed(body.outline);
  }

  // Record where the rest goes.
  const float shoulder = rng.uniform(0.33f, 0.45f);
  const float width_there = half_width * (shape[3] + (shape[4] - shape[3]) * (shoulder - 0.3f) / 0.2f);
  body.head = {0, rng.uniform(0.13f, 0.19f)};
  body.head_radius = half_width * shape[2];
  body.shoulders[0] = {-width_there, shoulder};
  body.shoulders[1] = {width_there, shoulder};
  body.belly = {0, rng.uniform(0.60f, 0.70f)};
  body.belly_half = {half_width * rng.uniform(0.50f, 0.72f), rng.uniform(0.20f, 0.30f)};
  body.foot_spread = half_width * rng.uniform(0.35f, 0.65f);
  return body;
}

Body head_on_trunk(Rng& rng, Pen& pen) {
  // The head, round or a little flat.
  Body body;
  body.head_radius = std::clamp(0.165f + deviation(rng, 0.025f), 0.11f, 0.23f);
  const float head_height = body.head_radius * rng.uniform(0.85f, 1.08f);
  body.head = {deviation(rng, 0.02f), head_height};
  const float start = upwards + deviation(rng, 0.6f);
  pen.draw_closed(arc(body.head, {body.head_radius, head_height}, start, full_turn));

  // The trunk below it, which touches or overlaps.
  const float neck = 2 * head_height - rng.uniform(0.0f, 0.05f);
  const Point centre{deviation(rng, 0.015f), (1 + neck) / 2};
  const Point half{std::clamp(0.25f + deviation(rng, 0.05f), 0.15f, 0.38f), (1 - neck) / 2};
  body.outline = egg(rng, centre, half);
  pen.draw_closed(body.outline);

  // Record where the rest goes.
  const float shoulder = neck + (1 - neck) * rng.uniform(0.18f, 0.32f);
  body.shoulders[0] = {centre.x - 0.82f * half.x, shoulder};
  body.shoulders[1] = {centre.x + 0.82f * half.x, shoulder};
  body.belly = {centre.x, centre.y + 0.05f};
  body.belly_half = {half.x * rng.uniform(0.5f, 0.7f), half.y * rng.uniform(0.55f, 0.8f)};
  body.foot_spread = half.x * rng.uniform(0.3f, 0.6f);
  return body;
}

// What all that are seen from the side share, for a trunk `half_width` wide.
void place_profile_parts(Rng& rng, Body& body, float half_width) {
  const float shoulder = rng.uniform(0.38f, 0.46f);
  body.facing = 2;
  body.shoulders[0] = {-half_width * rng.uniform(0.1f, 0.6f), shoulder};
  body.shoulders[1] = {half_width * rng.uniform(0.6f, 0.9f), shoulder + 0.03f};
  body.belly = {half_width * 0.30f, 0.68f};
  body.belly_half = {half_width * rng.uniform(0.4f, 0.6f), rng.uniform(0.2f, 0.28f)};
  body.foot_spread = half_width * rng.uniform(0.1f, 0.45f);
  body.foot_middle = half_width * rng.uniform(-0.1f, 0.25f);
}

Body profile(Rng& rng, Pen& pen) {
  // Measure head, trunk and beak.
  Body body;
  const float radius = body.head_radius = std::clamp(0.14f + deviation(rng, 0.02f), 0.09f, 0.19f);
  const float half_width = std::clamp(0.235f + deviation(rng, 0.045f), 0.14f, 0.34f);
  const Point head = body.head = {deviation(rng, 0.04f), radius};
  const float beak = radius * rng.uniform(0.7f, 1.7f);
  const float tail = half_width * rng.uniform(0.95f, 1.45f);

  // From the forehead over the back to the tail, and from the feet up the chest to the throat.
  Path back, chest;
  const Point along_back[] = {head + Point{0.92f, -0.30f} * radius,
                              head + Point{0.60f, -0.82f} * radius,
                              head + Point{-0.10f, -1.0f} * radius,
                              head + Point{-0.82f, -0.50f} * radius,
                              head + Point{-0.95f, 0.60f} * radius,
                              {-0.95f * half_width, 0.50f},
                              {-0.98f * half_width, 0.78f},
                              {-tail, rng.uniform(0.92f, 1.0f)}};
  const Point along_chest[] = {{0.45f * half_width, 1.0f},
                               {0.92f * half_width, 0.80f},
                               {0.98f * half_width, 0.58f},
                               {0.78f * half_width, 0.42f},
                               head + Point{0.62f, 0.95f} * radius,
                               head + Point{0.88f, 0.28f} * radius};
  for (const Point point : along_back) back.push_back(near(rng, point, 0.010f));
  for (const Point point : along_chest) chest.push_back(near(rng, point, 0.010f));
  body.outline = joined(smooth(back), smooth(chest));

  // The beak, mostly in the same line.
  const Point tip = head + Point{radius + beak, radius * rng.uniform(-0.25f, 0.35f)};
  body.beak_drawn = rng.bernoulli(0.75f);
  if (body.beak_drawn) body.outline.push_back(tip);
  body.outline.push_back(back.front());
  pen.draw_closed(body.outline);

  place_profile_parts(rng, body, half_width);
  return body;
}

Body profile_head_on_trunk(Rng& rng, Pen& pen) {
  // The head.
  Body body;
  const float radius = body.head_radius = std::clamp(0.15f + deviation(rng, 0.02f), 0.10f, 0.20f);
  body.head = {rng.uniform(-0.02f, 0.10f), radius};
  const float head_height = radius * rng.uniform(0.85f, 1.0f);
  const float start = upwards + deviation(rng, 0.6f);
  pen.draw_closed(arc(body.head, {radius, head_height}, start, full_turn));

  // The trunk, which leans back and often ends in a tail.
  const float half_width = std::clamp(0.225f + deviation(rng, 0.04f), 0.14f, 0.32f);
  const float neck = 2 * radius - rng.uniform(0.01f, 0.05f);
  if (rng.bernoulli(0.5f)) {
    body.outline = egg(rng, {0, (1 + neck) / 2}, {half_width, (1 - neck) / 2});
  } else {
    const Point knots[] = {{-0.9f * half_width * rng.uniform(1.0f, 1.5f), rng.uniform(0.92f, 1.0f)},
                           {-0.95f * half_width, 0.70f},
                           {-0.70f * half_width, 0.46f},
                           {body.head.x - 0.3f * radius, neck},
                           {body.head.x + 0.5f * radius, neck},
                           {0.85f * half_width, 0.50f},
                           {0.95f * half_width, 0.75f},
                           {0.50f * half_width, 1.0f}};
    body.outline = smooth(knots);
    body.outline.push_back(body.outline.front());
  }
  pen.draw_closed(body.outline);

  place_profile_parts(rng, body, half_width);
  return body;
}

// A body from the front whose head looks to the right.
Body turned_head(Rng& rng, Body body) {
  body.facing = 1;
  body.head.x += 0.15f * body.head_radius;
  body.belly.x += 0.15f * body.belly_half.x;
  body.foot_middle += 0.2f * body.foot_spread * rng.uniform();
  return body;
}

}  // namespace

int pick(Rng& rng, std::initializer_list<float> weights) {
  float rest = 0;
  for (const float weight : weights) rest += weight;
  rest *= rng.uniform();
  int index = 0;
  for (const float weight : weights) {
    rest -= weight;
    if (rest < 0) return index;
    ++index;
  }
  return index - 1;
}

Body draw_body(Rng& rng, Pen& pen) {
  switch (pick(rng, {0.30f, 0.20f, 0.09f, 0.07f, 0.20f, 0.14f})) {
    case 0: return front(rng, pen);
    case 1: return head_on_trunk(rng, pen);
    case 2: return turned_head(rng, front(rng, pen));
    case 3: return turned_head(rng, head_on_trunk(rng, pen));
    case 4: return profile(rng, pen);
    default: return profile_head_on_trunk(rng, pen);
  }
}

}  // namespace floe::penguins
