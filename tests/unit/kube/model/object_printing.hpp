// What a test says of an object that is not the one it expected.
#pragma once

#include <ostream>

#include "kube/model/object.hpp"

namespace kube {

inline void PrintTo(const Object& object, std::ostream* out) {
  *out << object.namespace_ << "/" << object.name << " uid=" << object.uid << " rv=" << object.resource_version
       << " generation=" << object.generation << " controller=" << object.controller_uid
       << " state=" << object.state.index() << " fingerprint=" << object.fingerprint
       << " verified=" << object.verified_intent << "/" << object.verified_fingerprint
       << " body=" << (object.body ? *object.body : "none") << " status=" << (object.status ? *object.status : "none");
}

}  // namespace kube
