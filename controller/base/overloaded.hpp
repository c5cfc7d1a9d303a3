// One visitor of a variant, made of a function for each of its types: std::visit(Overloaded{...}, variant).
// Law: a type without a function does not compile.
#pragma once

namespace base {

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};

}  // namespace base
