def test_surprise_makes_rob_a_person(explain):
    assert explain("Rob in surprise defeat", target="Rob").top(1) == ["surprise"]


def test_rob_is_explained_as_accepted(explain, golden):
    assert explain("Rob in surprise defeat", target="Rob") == golden
