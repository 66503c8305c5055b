using System.Text.RegularExpressions;

namespace Vtpm.SystemTests;

/// <summary>A manager's image that is put back from a copy: refused, by name accepted, and then the others are refused.</summary>
public sealed partial class RollbackTests
{
    private const string Running = "The vTPM is ready.";

    [Fact]
    public void Up_WithAnOlderManagersImage_RefusesWithThreeAndTakesItByItsName()
    {
        using var folder = new TestFolder();
        Run(folder);
        byte[] backup = File.ReadAllBytes(folder["manager.img"]);
        Run(folder);
        byte[] newest = File.ReadAllBytes(folder["manager.img"]);

        File.WriteAllBytes(folder["manager.img"], backup);
        (int exitCode, string output) = VtpmProcess.Run("up", "--dir", folder.Path);
        Assert.Equal(3, exitCode);
        Assert.Contains("an older image was put back", output, StringComparison.Ordinal);
        Assert.Equal(backup, File.ReadAllBytes(folder["manager.img"]));

        Run(folder, "--accept-restored", NameIn().Match(output).Groups[1].Value);
        Run(folder);
        File.WriteAllBytes(folder["manager.img"], newest);
        Assert.Equal(3, VtpmProcess.Run("up", "--dir", folder.Path).ExitCode);
    }

    [Fact]
    public void Manager_WithACopyOfBeforeItsLastStart_RefusesWithThree()
    {
        using Chain chain = Chain.Started();
        chain.Manager!.Kill();
        byte[] running = File.ReadAllBytes(chain.ManagerImage);
        chain.StartManager();
        chain.Manager.Kill();
        byte[] newest = File.ReadAllBytes(chain.ManagerImage);
        File.WriteAllBytes(chain.ManagerImage, running);
        (int exitCode, string output) = VtpmProcess.Run(chain.ManagerArguments);
        Assert.Equal(3, exitCode);
        Assert.Contains("an older image was put back", output, StringComparison.Ordinal);
        File.WriteAllBytes(chain.ManagerImage, newest);
        chain.StartManager();
    }

    [Theory]
    [InlineData("--counter-interval", "0")]
    [InlineData("--rollback-protection", "perhaps")]
    public void Manager_WithAMalformedArgument_SaysWhich(string option, string value)
    {
        using var chain = new Chain();
        (int exitCode, string output) = VtpmProcess.Run([.. chain.ManagerArguments, option, value]);
        Assert.Equal(2, exitCode);
        Assert.Contains(option == "--counter-interval" ? option : value, output, StringComparison.Ordinal);
    }

    [GeneratedRegex("--accept-restored ([0-9]+@[0-9]+)")]
    private static partial Regex NameIn();

    private static void Run(TestFolder folder, params string[] arguments)
    {
        using VtpmProcess up = VtpmProcess.StartReady(Running, ["up", "--dir", folder.Path, .. arguments]);
        up.Signal(UnixSignal.Terminate);
        Assert.Equal(0, up.WaitForExit());
    }
}
