// Goal: each change is told once per channel, whatever restarts come between; who rests is told in
// the morning; shapes are what receivers take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/alert_desk.h"
#include "agent/report/alert_shape.h"
#include "agent/report/json_fields.h"
#include "crypto/message_signature.h"

namespace tidemark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kMonday = absl::FromCivil(absl::CivilHour(2026, 11, 23, 12), absl::UTCTimeZone());
const SlaSubject kSubject{"TidemarkRpo", "db", ""};

AlertChannel Channel(const std::string& name) {
  AlertChannel channel;
  channel.name = name;
  channel.type = "generic";
  return channel;
}

// A book, a desk, and a receiver that takes everything at once.
struct World {
  explicit World(std::vector<AlertChannel> channels, std::vector<MaintenanceWindow> windows = {})
      : channels_(channels), windows_(windows), desk(channels, windows) {}
  // `seconds` of this level, one look a second.
  void Live(SlaLevel level, int seconds) {
    for (int i = 0; i < seconds; ++i, now += absl::Seconds(1)) {
      book.Note(now, now - absl::UnixEpoch(), {{kSubject, level, "RPO is so and so"}});
      desk.Route(now, book.states(), [](const SlaSubject&) {
        return std::vector<std::pair<std::string, std::string>>{{"copies available", "2"}};
      });
      if (!receiving) continue;
      for (const AlertChannel& channel : channels_) {
        while (const Delivery* due = desk.Due(channel.name, now)) {
          heard[channel.name].push_back(std::string(SlaLevelName(due->alert.before)) + ">" +
                                        SlaLevelName(due->alert.level));
          sequences[channel.name].push_back(due->alert.sequence);
          desk.Delivered(due->id);
        }
      }
    }
  }
  void Restart() {
    const std::string saved = desk.Save(book);
    book = SlaBook(SlaTiming{});
    desk = AlertDesk(channels_, windows_);
    ASSERT_TRUE(desk.Load(saved, &book).ok());
    EXPECT_EQ(desk.Save(book), saved);
  }
  std::vector<AlertChannel> channels_;
  std::vector<MaintenanceWindow> windows_;
  absl::Time now = kMonday;
  bool receiving = true;
  SlaBook book{SlaTiming{}};
  AlertDesk desk;
  std::map<std::string, std::vector<std::string>> heard;
  std::map<std::string, std::vector<uint64_t>> sequences;
};

constexpr SlaLevel kInfo = SlaLevel::kInfo, kWarning = SlaLevel::kWarning,
                   kDanger = SlaLevel::kDanger;

TEST(Alerts, EachChangeIsToldOnceAndInOrder) {
  World world({Channel("x")});
  for (const SlaLevel level : {kInfo, kWarning, kDanger, kWarning, kInfo}) world.Live(level, 200);
  EXPECT_THAT(world.heard["x"],
              ElementsAre("info>warning", "warning>danger", "danger>warning", "warning>info"));
  EXPECT_THAT(world.sequences["x"], ElementsAre(1, 2, 3, 4));
}

TEST(Alerts, RestartsRepeatNothingAndForgetNothing) {
  World world({Channel("x"), Channel("y")});
  for (const SlaLevel level : {kInfo, kWarning, kDanger, kInfo}) {
    for (int i = 0; i < 20; ++i) {
      world.Live(level, 15);
      world.Restart();
      // The first looks after a start may not know the RPO yet: no facts, no change.
      world.book.Note(world.now, world.now - absl::UnixEpoch(), {});
    }
    if (level == kInfo) world.Live(level, 100);
  }
  for (const char* channel : {"x", "y"})
    EXPECT_THAT(world.heard[channel], ElementsAre("info>warning", "warning>danger", "danger>info"));
}

TEST(Alerts, FlappingIsSilent) {
  World world({Channel("x")});
  for (int i = 0; i < 100; ++i) {
    world.Live(kWarning, 5);
    world.Live(kInfo, 5);
  }
  EXPECT_TRUE(world.heard["x"].empty());
  world.Live(kDanger, 1);
  for (int i = 0; i < 100; ++i) {
    world.Live(kInfo, 30);
    world.Live(kDanger, 30);
  }
  EXPECT_THAT(world.heard["x"], ElementsAre("info>danger"));
}

TEST(Alerts, AChannelHearsWhatItsSeverityAsksForAndItsEnd) {
  AlertChannel pager = Channel("pager");
  pager.least = kDanger;
  World world({pager, Channel("chat")});
  for (const SlaLevel level : {kWarning, kDanger, kWarning, kInfo}) world.Live(level, 200);
  EXPECT_THAT(world.heard["pager"], ElementsAre("info>danger", "danger>info"));
  EXPECT_EQ(world.heard["chat"].size(), 4u);
}

TEST(Alerts, EscalationComesWhenItHasStoodLongEnough) {
  AlertChannel chief = Channel("chief");
  chief.escalate_after = absl::Minutes(15);
  World world({chief, Channel("first")});
  world.Live(kDanger, 14 * 60);
  world.Live(kInfo, 120);
  EXPECT_TRUE(world.heard["chief"].empty()) << "it was over before";
  world.Live(kDanger, 16 * 60);
  world.Live(kInfo, 120);
  EXPECT_THAT(world.heard["chief"], ElementsAre("info>danger", "danger>info"));
  EXPECT_EQ(world.heard["first"].size(), 4u);
}

TEST(Alerts, OutsideBusinessHoursAChannelRestsButTheStateRunsOn) {
  AlertChannel office = Channel("office");
  office.hours = {0x1f, 9 * 60, 18 * 60, "UTC"};
  World world({office});
  world.now = kMonday + absl::Hours(7);  // 19:00
  world.Live(kDanger, 10);
  EXPECT_TRUE(world.heard["office"].empty());
  EXPECT_EQ(world.book.states().at(kSubject).level, kDanger);
  EXPECT_EQ(world.book.states().at(kSubject).since, kMonday + absl::Hours(7));
  world.now = kMonday + absl::Hours(21);  // Tuesday, 9:00
  world.Live(kDanger, 10);
  EXPECT_THAT(world.heard["office"], ElementsAre("info>danger"));
  EXPECT_FALSE(IsOpen(office.hours, kMonday + absl::Hours(5 * 24))) << "Saturday";
}

TEST(Alerts, MaintenanceHoldsMessagesBack) {
  World world({Channel("x")}, {{kMonday, kMonday + absl::Hours(1), "new disks"}});
  world.Live(kDanger, 600);
  EXPECT_TRUE(world.heard["x"].empty());
  world.now = kMonday + absl::Hours(1);
  world.Live(kDanger, 1);
  EXPECT_THAT(world.heard["x"], ElementsAre("info>danger"));
}

TEST(Alerts, WhatIsNotTakenIsTriedAgainLaterAndLater) {
  World world({Channel("x")});
  world.receiving = false;
  world.Live(kDanger, 1);
  const Delivery* due = world.desk.Due("x", world.now);
  ASSERT_NE(due, nullptr);
  const uint64_t id = due->id;
  absl::Time now = world.now;
  for (const int pause : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    world.desk.Failed(id, now, std::nullopt, false);
    EXPECT_EQ(world.desk.Due("x", now + absl::Seconds(pause) - absl::Milliseconds(1)), nullptr);
    now += absl::Seconds(pause);
    ASSERT_NE(world.desk.Due("x", now), nullptr);
  }
  world.desk.Failed(id, now, absl::Minutes(20), false);
  EXPECT_EQ(world.desk.Due("x", now + absl::Minutes(19)), nullptr) << "what was asked for";
  world.desk.Failed(id, now, std::nullopt, true);
  EXPECT_EQ(world.desk.queued(), 0u);
  EXPECT_EQ(world.desk.dropped(), 1u);
}

TEST(Alerts, ADamagedMemoryIsSaid) {
  World world({Channel("x")});
  world.Live(kDanger, 1);
  const std::string saved = world.desk.Save(world.book);
  EXPECT_FALSE(world.desk.Load(saved.substr(0, saved.size() - 9), &world.book).ok());
}

Alert Sample(SlaLevel before, SlaLevel level) {
  Alert alert;
  alert.sequence = 7;
  alert.subject = kSubject;
  alert.before = before;
  alert.level = level;
  alert.since = alert.raised = kMonday;
  alert.told_at = kMonday + absl::Seconds(1);
  alert.summary = "RPO of <db> & \"more\"";
  alert.facts = {{"copies available", "2"}, {"copies expected", "3"}};
  return alert;
}

Json Shaped(const std::string& type, SlaLevel before, SlaLevel level) {
  AlertChannel channel = Channel("x");
  channel.type = type;
  const AlertSecrets secrets{"http://x/", "", "routing"};
  return Json::parse(
      ShapeAlert(channel, secrets, Sample(before, level), "agent", "http://p/").body);
}

TEST(AlertShape, GenericIsWhatAlertmanagerSends) {
  const Json json = Shaped("generic", kInfo, kDanger);
  EXPECT_EQ(json["version"], "4");
  EXPECT_EQ(json["status"], "firing");
  EXPECT_EQ(json["event"], "sla_alert");
  EXPECT_EQ(json["sequence"], 7);
  EXPECT_EQ(json["facts"]["copies_available"], "2");
  EXPECT_EQ(json["alerts"][0]["labels"]["severity"], "critical");
  EXPECT_EQ(json["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
  const Json over = Shaped("generic", kDanger, kInfo);
  EXPECT_EQ(over["status"], "resolved");
  EXPECT_EQ(over["alerts"][0]["fingerprint"], json["alerts"][0]["fingerprint"]);
  EXPECT_EQ(over["alerts"][0]["labels"], json["alerts"][0]["labels"]);
}

// A second receiver of the same messages knows its own by their name.
TEST(AlertShape, AGenericMessageIsNamedAsItsChannelAsks) {
  AlertChannel channel = Channel("x");
  channel.event = "bjlg_sla_alert";
  const AlertSecrets secrets{"http://x/", "", ""};
  const Alert alert = Sample(kInfo, kDanger);
  const Json json = Json::parse(ShapeAlert(channel, secrets, alert, "agent", "").body);
  EXPECT_EQ(json["event"], "bjlg_sla_alert");
  EXPECT_EQ(json["state"], "danger");
}

TEST(AlertShape, OthersAreWhatTheirReceiversTake) {
  EXPECT_EQ(Shaped("slack", kInfo, kWarning)["attachments"][0]["color"], "warning");
  EXPECT_EQ(Shaped("slack", kInfo, kDanger)["attachments"][0]["fields"][1]["value"], "3");
  EXPECT_THAT(Shaped("slack", kInfo, kDanger)["attachments"][0]["text"].get<std::string>(),
              HasSubstr("&lt;db&gt; &amp;"));
  EXPECT_EQ(Shaped("discord", kDanger, kInfo)["embeds"][0]["color"], 0x1a7f4b);
  EXPECT_TRUE(Shaped("discord", kDanger, kInfo)["allowed_mentions"]["parse"].empty());
  EXPECT_EQ(Shaped("teams", kInfo, kDanger)["attachments"][0]["content"]["type"], "AdaptiveCard");
  EXPECT_EQ(Shaped("pagerduty", kInfo, kDanger)["event_action"], "trigger");
  EXPECT_EQ(Shaped("pagerduty", kDanger, kInfo)["event_action"], "resolve");
  EXPECT_EQ(Shaped("pagerduty", kDanger, kInfo)["dedup_key"],
            Shaped("pagerduty", kInfo, kDanger)["dedup_key"]);
  EXPECT_EQ(Shaped("alertmanager", kInfo, kDanger)[0]["endsAt"], "2027-11-23T12:00:01.000Z")
      << "it would be resolved after minutes";
  EXPECT_EQ(Shaped("alertmanager", kDanger, kInfo)[0]["endsAt"], "2026-11-23T12:00:01.000Z")
      << "not a year from now";
  EXPECT_EQ(Shaped("alertmanager", kDanger, kInfo)[0]["labels"],
            Shaped("alertmanager", kInfo, kDanger)[0]["labels"]);
}

// Alertmanager refuses other annotations, Discord more fields, and both would be for good.
TEST(AlertShape, ManyVaultsOfAnyNameAreTaken) {
  Alert alert = Sample(kInfo, kDanger);
  for (int i = 0; i < 20; ++i) {
    alert.facts.emplace_back("copies available of pg-main." + std::to_string(i), "2");
    alert.facts.emplace_back("last verified of pg-main." + std::to_string(i), "never");
  }
  AlertChannel channel = Channel("x");
  const AlertSecrets secrets{"http://x/", "", "routing"};
  channel.type = "alertmanager";
  const Json shaped = Json::parse(ShapeAlert(channel, secrets, alert, "agent", "").body);
  for (const auto& [name, value] : shaped[0]["annotations"].items())
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos)
        << name;
  channel.type = "discord";
  const Json card = Json::parse(ShapeAlert(channel, secrets, alert, "agent", "").body);
  EXPECT_EQ(card["embeds"][0]["fields"].size(), 25u);
}

TEST(AlertShape, AMailCannotBeGivenMoreHeaders) {
  AlertChannel channel = Channel("x");
  channel.type = "email";
  channel.from = "tidemark@example.org";
  channel.to = "ops@example.org";
  Alert alert = Sample(kInfo, kDanger);
  alert.subject.vault = "db\r\nBcc: thief@example.org";
  const std::string mail = ShapeAlert(channel, {}, alert, "agent", "").body;
  EXPECT_THAT(mail, Not(HasSubstr("\nBcc:")));
  EXPECT_THAT(mail, HasSubstr("\r\n\r\n"));
}

TEST(AlertShape, TheSignatureIsThatOfTheBody) {
  // RFC 4231, test case 2.
  EXPECT_EQ(MessageSignature("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const AlertMessage message =
      ShapeAlert(Channel("x"), {"http://x/", "secret", ""}, Sample(kInfo, kDanger), "agent", "");
  EXPECT_THAT(message.headers,
              ::testing::Contains(std::pair<std::string, std::string>(
                  "X-Tidemark-Signature", "sha256=" + MessageSignature("secret", message.body))));
}

}  // namespace
}  // namespace tidemark
