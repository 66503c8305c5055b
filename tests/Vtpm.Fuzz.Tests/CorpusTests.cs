namespace Vtpm.Fuzz.Tests;

/// <summary>Every input of the repository runs through its target: the corpus of each, what the theories send, and all that was ever found.</summary>
public class CorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Corpus_EveryInput_IsNoFinding(string target)
    {
        string[] files = Files("corpus", target);
        Assert.True(files.Length > 10, $"the corpus has only {files.Length} inputs");
        foreach (string file in files) Run(target, file, File.ReadAllBytes(file));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Regressions_EveryInput_IsNoFinding(string target)
    {
        foreach (string file in Files("regressions", target)) Run(target, file, File.ReadAllBytes(file));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Seeds_EveryInput_IsNoFinding(string target)
    {
        foreach ((string name, byte[] seed) in FuzzTargets.Of(target).Seeds()) Run(target, name, seed);
    }

    /// <summary>Whoever reads a regression wants to know what it was.</summary>
    [Fact]
    public void Regressions_EachOne_HasALineInTheReadme()
    {
        string readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "regressions", "README.md"));
        foreach (string target in FuzzTargets.All.Select(target => target.Name))
        {
            foreach (string file in Files("regressions", target))
                Assert.Contains($"`{target}/{Path.GetFileName(file)}`", readme, StringComparison.Ordinal);
        }
    }

    private static string[] Files(string folder, string target)
    {
        string path = Path.Combine(AppContext.BaseDirectory, folder, target);
        return Directory.Exists(path) ? Directory.GetFiles(path) : [];
    }

    private static void Run(string target, string name, byte[] input)
    {
        try
        {
            FuzzTargets.Of(target).Run(input);
        }
        catch (Exception exception)
        {
            Assert.Fail($"{target} {name}: {exception}");
        }
    }
}
