// The operator's transport: Boost.Asio for the loop and the sockets, OpenSSL, Beast's HTTP parser. All of it on the
// given loop; no thread of its own (Asio resolves host names on one).
//
// Law and limits: transport.hpp, TransportLimits. Connections are kept alive and used again, the last used first; a
// stream has one to itself while it lasts. One made under older certificates is closed instead of used again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "kube/credentials.hpp"
#include "kube/transport.hpp"
#include "kube/transport_limits.hpp"

namespace kube {

[[nodiscard]] std::unique_ptr<Transport> make_asio_transport(boost::asio::io_context& loop,
                                                             std::shared_ptr<Credentials> credentials,
                                                             TransportLimits limits = {});

}  // namespace kube
