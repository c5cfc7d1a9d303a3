#include "kube/model/object.hpp"

#include <gtest/gtest.h>

namespace kube {
namespace {

TEST(Object, FindsAValueByItsWholeKey) {
  const Pairs pairs{{"applied", "1"}, {"revision", "2"}};
  ASSERT_NE(find(pairs, "revision"), nullptr);
  EXPECT_EQ(*find(pairs, "revision"), "2");
  EXPECT_EQ(find(pairs, "rev"), nullptr);
  EXPECT_EQ(find(Pairs{}, "applied"), nullptr);
}

TEST(Object, FindsAConditionByItsType) {
  const std::vector<Condition> conditions{{"Available", "True", "", "", {}, {}},
                                          {"Progressing", "False", "", "", {}, {}}};
  ASSERT_NE(find(conditions, "Progressing"), nullptr);
  EXPECT_EQ(find(conditions, "Progressing")->status, "False");
  EXPECT_EQ(find(conditions, "ReplicaFailure"), nullptr);
}

TEST(Object, ComparesBodiesByTheirTextAndNotByWhereItLies) {
  Object one, other;
  one.body = std::make_shared<const std::string>("{}");
  other.body = std::make_shared<const std::string>("{}");
  EXPECT_EQ(one, other);
  other.body = std::make_shared<const std::string>("[]");
  EXPECT_FALSE(one == other);
  other.body.reset();
  EXPECT_FALSE(one == other);
}

}  // namespace
}  // namespace kube
