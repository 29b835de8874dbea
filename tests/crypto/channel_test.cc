// Both channels behave alike; TLS refuses every wrong certificate with a message that says why.
#include "crypto/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Duration kYear = absl::Hours(24 * 365);

struct World {
  SeededEntropy entropy{1};
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  Credential authority = CreateAuthority("test-ca", now, 10 * kYear, &entropy).value();
  SigningKey agent_key = SigningKey::Generate(&entropy);
  SigningKey site_key = SigningKey::Generate(&entropy);

  Credential Issue(const Credential& from, Role role, const std::string& name,
                   const SigningKey& key, absl::Duration lifetime = kYear) {
    return IssueCertificate(from, role, name, key, now, lifetime, &entropy).value();
  }
  std::unique_ptr<ChannelFactory> Tls(const Credential& trusted, const Credential& own) {
    return MakeTlsFactory({trusted.certificate_pem, own}).value();
  }
  std::unique_ptr<ChannelFactory> Agent() {
    return Tls(authority, Issue(authority, Role::kAgent, "agent-1", agent_key));
  }
  std::unique_ptr<ChannelFactory> Site() {
    return Tls(authority, Issue(authority, Role::kSite, "b", site_key));
  }
};

struct Ends {
  absl::Status client;
  absl::Status server;
};
// Moves bytes both ways, at most `piece` at a time, until nothing moves. An end that failed sends
// its alert.
Ends Pump(SecureChannel* client, SecureChannel* server, size_t piece = SIZE_MAX) {
  Ends ends;
  const auto move = [piece](SecureChannel* from, SecureChannel* to, absl::Status* status) {
    const std::string out = from->TakeOutgoing();
    for (size_t at = 0; at < out.size(); at += std::min(piece, out.size() - at)) {
      const absl::Status received = to->Receive(AsBytes(std::string_view(out).substr(at, piece)));
      if (status->ok()) *status = received;
    }
    return !out.empty();
  };
  bool moved = true;
  while (moved) {
    const bool there = move(client, server, &ends.server);
    const bool back = move(server, client, &ends.client);
    moved = there || back;
  }
  return ends;
}

// The behaviours that the agent relies on, for TLS and for the simulator's channel.
struct AnyChannelTest : testing::TestWithParam<bool> {
  World world;
  std::unique_ptr<ChannelFactory> agent =
      GetParam() ? world.Agent()
                 : MakeNullFactory({Role::kAgent, "agent-1", world.agent_key.public_key()},
                                   &world.entropy);
  std::unique_ptr<ChannelFactory> site =
      GetParam() ? world.Site()
                 : MakeNullFactory({Role::kSite, "b", world.site_key.public_key()}, &world.entropy);
  std::unique_ptr<SecureChannel> client = agent->Connect(world.now);
  std::unique_ptr<SecureChannel> server = site->Accept(world.now);
};
using AnyChannel = AnyChannelTest;
INSTANTIATE_TEST_SUITE_P(TlsAndNull, AnyChannel, testing::Bool(),
                         [](const auto& param_info) { return param_info.param ? "Tls" : "Null"; });

TEST_P(AnyChannel, EachEndLearnsWhoTheOtherIs) {
  EXPECT_FALSE(client->established());
  const Ends ends = Pump(client.get(), server.get());
  ASSERT_TRUE(ends.client.ok()) << ends.client;
  ASSERT_TRUE(ends.server.ok()) << ends.server;
  ASSERT_TRUE(client->established() && server->established());
  EXPECT_EQ(client->peer(), (PartyName{Role::kSite, "b", world.site_key.public_key()}));
  EXPECT_EQ(server->peer(), (PartyName{Role::kAgent, "agent-1", world.agent_key.public_key()}));
  const std::string pem = client->peer_certificate_pem();
  EXPECT_EQ(pem.empty(), !GetParam()) << "only TLS has certificates";
  EXPECT_TRUE(pem.empty() || *ReadCertificate(pem) == client->peer());
}

TEST_P(AnyChannel, CarriesBytesBothWaysInAnyPieces) {
  for (size_t piece : {size_t{1}, size_t{7}, size_t{1000}, SIZE_MAX}) {
    client = agent->Connect(world.now);
    server = site->Accept(world.now);
    ASSERT_TRUE(Pump(client.get(), server.get(), piece).client.ok());
    const std::string there(piece == 1 ? 3000 : 100000, 'a');
    const std::string back(20, 'b');
    ASSERT_TRUE(client->Write(AsBytes(there)).ok());
    ASSERT_TRUE(server->Write(AsBytes(back)).ok());
    ASSERT_TRUE(server->Write({}).ok());
    Pump(client.get(), server.get(), piece);
    EXPECT_EQ(server->TakePlaintext(), there) << piece;
    EXPECT_EQ(client->TakePlaintext(), back) << piece;
    EXPECT_EQ(client->TakePlaintext(), "");
    EXPECT_EQ(client->TakeOutgoing(), "");
  }
}

TEST_P(AnyChannel, BothEndsExportTheSameKeyAndOnlyThey) {
  Pump(client.get(), server.get());
  const auto key = [](const SecureChannel& of, std::string_view label, std::string_view context) {
    return ToHex(of.ExportKey(label, AsBytes(context)).view());
  };
  const std::string shared = key(*client, "EXPORTER-tidemark-data", "1");
  EXPECT_EQ(key(*server, "EXPORTER-tidemark-data", "1"), shared);
  EXPECT_NE(key(*server, "EXPORTER-tidemark-data", "2"), shared);
  EXPECT_NE(key(*server, "EXPORTER-tidemark-data", ""), shared);
  EXPECT_NE(key(*server, "EXPORTER-tidemark-else", "1"), shared);
  const auto other_client = agent->Connect(world.now);
  const auto other_server = site->Accept(world.now);
  Pump(other_client.get(), other_server.get());
  EXPECT_NE(key(*other_client, "EXPORTER-tidemark-data", "1"), shared)
      << "two sessions share a key";
}

TEST_P(AnyChannel, AProperCloseIsSeenAfterTheLastBytes) {
  Pump(client.get(), server.get());
  ASSERT_TRUE(client->Write(AsBytes("last words")).ok());
  client->Close();
  client->Close();
  EXPECT_FALSE(client->Write(AsBytes("too late")).ok());
  Pump(client.get(), server.get());
  EXPECT_TRUE(server->closed());
  EXPECT_FALSE(client->closed());
  EXPECT_EQ(server->TakePlaintext(), "last words");
  ASSERT_TRUE(server->Write(AsBytes("answer")).ok());
  server->Close();
  Pump(client.get(), server.get());
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(client->TakePlaintext(), "answer");
}

TEST_P(AnyChannel, AStrangerIsNotAPeer) {
  for (const std::string& junk : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                  std::string("SSH-2.0-x\r\n"), std::string(300, '\0')}) {
    const auto fresh = site->Accept(world.now);
    EXPECT_EQ(fresh->Receive(AsBytes(junk)).code(), absl::StatusCode::kInvalidArgument) << junk;
    EXPECT_FALSE(fresh->established());
    const auto connector = agent->Connect(world.now);
    EXPECT_EQ(connector->Receive(AsBytes(junk)).code(), absl::StatusCode::kInvalidArgument) << junk;
  }
}

TEST_P(AnyChannel, StaysDeadAfterAnError) {
  const absl::Status first = server->Receive(AsBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(server->Receive(AsBytes(client->TakeOutgoing())), first);
  EXPECT_FALSE(server->established());
}

TEST(TlsChannel, ADamagedRecordKillsTheChannel) {
  World world;
  const auto agent = world.Agent();
  const auto site = world.Site();
  const auto client = agent->Connect(world.now);
  const auto server = site->Accept(world.now);
  Pump(client.get(), server.get());
  ASSERT_TRUE(client->Write(AsBytes("important")).ok());
  std::string record = client->TakeOutgoing();
  record.back() ^= 1;
  EXPECT_EQ(server->Receive(AsBytes(record)).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(server->TakePlaintext(), "");
  EXPECT_FALSE(server->Write(AsBytes("x")).ok());
}

TEST(TlsChannel, NoByteOfThePlaintextIsOnTheWire) {
  World world;
  const auto agent = world.Agent();
  const auto site = world.Site();
  const auto client = agent->Connect(world.now);
  const auto server = site->Accept(world.now);
  Pump(client.get(), server.get());
  ASSERT_TRUE(client->Write(AsBytes("a very recognisable sentence")).ok());
  EXPECT_EQ(client->TakeOutgoing().find("recognisable"), std::string::npos);
}

TEST(TlsChannel, RefusesAServerOfAnotherCa) {
  for (const char* ca_name : {"other-ca", "test-ca"}) {  // the same name must not help
    World world;
    const Credential other = CreateAuthority(ca_name, world.now, kYear, &world.entropy).value();
    const auto agent = world.Agent();
    const auto site = world.Tls(other, world.Issue(other, Role::kSite, "b", world.site_key));
    const auto client = agent->Connect(world.now);
    const auto server = site->Accept(world.now);
    const Ends ends = Pump(client.get(), server.get());
    EXPECT_EQ(ends.client.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(ends.client.message()), HasSubstr("certificate signed by another CA"));
    EXPECT_EQ(ends.server.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(ends.server.message()), HasSubstr("refused our certificate"));
    EXPECT_FALSE(client->established() || server->established());
  }
}

TEST(TlsChannel, RefusesAnExpiredCertificateOfEitherEnd) {
  World world;
  const auto brief_site = world.Tls(world.authority, world.Issue(world.authority, Role::kSite, "b",
                                                                 world.site_key, absl::Hours(1)));
  const auto brief_agent =
      world.Tls(world.authority,
                world.Issue(world.authority, Role::kAgent, "x", world.agent_key, absl::Hours(1)));
  const auto agent = world.Agent();
  const auto site = world.Site();
  const absl::Time later = world.now + absl::Hours(2);
  {
    const auto client = agent->Connect(later);
    const auto server = brief_site->Accept(later);
    const Ends ends = Pump(client.get(), server.get());
    EXPECT_EQ(ends.client.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(ends.client.message()),
                AllOf(HasSubstr("certificate expired"), HasSubstr("site b")));
    EXPECT_THAT(std::string(ends.server.message()),
                HasSubstr("refused our certificate: certificate expired"));
  }
  {
    const auto client = brief_agent->Connect(later);
    const auto server = site->Accept(later);
    const Ends ends = Pump(client.get(), server.get());
    EXPECT_THAT(std::string(ends.server.message()),
                AllOf(HasSubstr("certificate expired"), HasSubstr("agent x")));
    EXPECT_FALSE(server->established());
    EXPECT_TRUE(client->established());
    // The client was done before the server looked: the refusal comes with the next bytes.
    EXPECT_EQ(ends.client.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(ends.client.message()),
                HasSubstr("refused our certificate: certificate expired"));
  }
  {
    const auto client = brief_agent->Connect(world.now);
    const auto server = brief_site->Accept(world.now);
    EXPECT_TRUE(Pump(client.get(), server.get()).client.ok())
        << "the time given must decide, not the clock";
  }
}

TEST(TlsChannel, RefusesACertificateFromTheFuture) {
  World world;
  const auto agent = world.Agent();
  const auto site = world.Site();
  const auto client = agent->Connect(world.now - absl::Hours(24));
  const auto server = site->Accept(world.now);
  EXPECT_THAT(std::string(Pump(client.get(), server.get()).client.message()),
              HasSubstr("not yet valid"));
}

TEST(TlsChannel, RefusesAnExpiredAuthority) {
  World world;
  world.authority = CreateAuthority("brief-ca", world.now, absl::Hours(1), &world.entropy).value();
  const auto agent = world.Agent();
  const auto site = world.Site();
  const auto client = agent->Connect(world.now + absl::Hours(2));
  const auto server = site->Accept(world.now);
  const Ends ends = Pump(client.get(), server.get());
  EXPECT_EQ(ends.client.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(ends.client.message()), HasSubstr("expired"));
}

TEST(TlsFactory, NamesThePieceThatDoesNotFit) {
  World world;
  const Credential own = world.Issue(world.authority, Role::kSite, "b", world.site_key);
  const auto refusal = [](const std::string& authority, const std::string& certificate,
                          const std::string& key) {
    return std::string(MakeTlsFactory({authority, {certificate, key}}).status().message());
  };
  const std::string& ca = world.authority.certificate_pem;
  EXPECT_THAT(refusal("junk", own.certificate_pem, own.private_key_pem),
              HasSubstr("CA certificate"));
  EXPECT_THAT(refusal(ca, "junk", own.private_key_pem), HasSubstr("own certificate"));
  EXPECT_THAT(refusal(ca, own.certificate_pem, "junk"), HasSubstr("own key"));
  EXPECT_THAT(refusal(ca, own.certificate_pem, world.agent_key.ToPem()),
              HasSubstr("do not belong together"));
  EXPECT_THAT(refusal(own.certificate_pem, own.certificate_pem, own.private_key_pem),
              HasSubstr("not a CA"));
  EXPECT_THAT(refusal(ca, ca, world.authority.private_key_pem),
              HasSubstr("names no tidemark party"));
  const Credential other = CreateAuthority("test-ca", world.now, kYear, &world.entropy).value();
  EXPECT_THAT(refusal(other.certificate_pem, own.certificate_pem, own.private_key_pem),
              HasSubstr("another CA"));
}

TEST(NullChannel, RefusesAnEndOfTheSameSide) {
  World world;
  const auto factory =
      MakeNullFactory({Role::kSite, "b", world.site_key.public_key()}, &world.entropy);
  const auto one = factory->Connect(world.now);
  const auto two = factory->Connect(world.now);
  EXPECT_EQ(two->Receive(AsBytes(one->TakeOutgoing())).code(), absl::StatusCode::kInvalidArgument);
}

TEST(NullChannel, RefusesADamagedFrame) {
  World world;
  const auto factory =
      MakeNullFactory({Role::kSite, "b", world.site_key.public_key()}, &world.entropy);
  const auto client = factory->Connect(world.now);
  const auto server = factory->Accept(world.now);
  Pump(client.get(), server.get());
  const std::string huge("\1\377\377\377\377", 5);
  EXPECT_EQ(server->Receive(AsBytes(huge)).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace tidemark
