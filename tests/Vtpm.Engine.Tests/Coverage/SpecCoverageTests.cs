using Vtpm.TestKit;
using Xunit;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary><c>docs/spec-coverage.md</c> says what is so.</summary>
public class SpecCoverageTests
{
    private const string WriteDocs = "VTPM_WRITE_DOCS";

    [Fact]
    public void Document_SpecCoverage_IsWhatTheTableAndTheTestsSay()
    {
        string path = Path.Combine(Root(), "docs", "spec-coverage.md");
        string document = SpecCoverageDocument.Write(CommandTable.Create(TestTpm.EveryCommand));
        if (Environment.GetEnvironmentVariable(WriteDocs) == "1") File.WriteAllText(path, document);
        Assert.True(
            File.Exists(path) && File.ReadAllText(path) == document,
            $"docs/spec-coverage.md is not true any more. Write it anew: {WriteDocs}=1 dotnet run --project tests/Vtpm.Engine.Tests");
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Vtpm.slnx"))) return folder.FullName;
        }

        throw new InvalidOperationException($"no Vtpm.slnx above {AppContext.BaseDirectory}: the tests run in the repository");
    }
}
