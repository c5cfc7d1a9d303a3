// The other transport: cpprestsdk, for kubectl-todoapp and for the operator with --api-client=cpprestsdk. The same laws
// and limits (transport.hpp, TransportLimits), at some four times the CPU of asio_transport.
//
// Law of threads: that library's pool does the I/O and touches nothing of ours; what it has goes through one door, a
// post to the loop, which this transport closes when it goes.
// Limits: an IPv6 address as the server's host, outside of a cluster, and tls-server-name are refused with `invalid`;
// name resolution cannot be interrupted, only its result be ignored; a peer that closes a kept connection at the very
// moment it is used again makes that call fail with `retry`, where asio_transport would mostly have noticed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>

#include "kube/credentials.hpp"
#include "kube/transport.hpp"
#include "kube/transport_limits.hpp"

namespace kube {

/// First thing in `main` of a program that may use this transport: gives the library's pool its size (else 40 threads),
/// and keeps OpenSSL from cleaning up at exit under the feet of a pool thread. Later calls do nothing.
void prepare_rest_client(std::size_t threads = 2);

[[nodiscard]] std::unique_ptr<Transport> make_rest_transport(boost::asio::io_context& loop,
                                                             std::shared_ptr<Credentials> credentials,
                                                             TransportLimits limits = {});

}  // namespace kube
