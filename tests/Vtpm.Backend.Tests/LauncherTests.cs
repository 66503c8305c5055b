using System.Diagnostics;
using Vtpm.Confinement;
using Vtpm.Storage;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>Processes that nobody waits for any more.</summary>
public sealed class LauncherTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vtpm-launcher");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Process_ThatIsLetGoOf_KeepsItsUserUntilItHasEnded_AndIsNoZombieThen()
    {
        string program = Path.Combine(_folder.FullName, "program");
        File.WriteAllText(program, "#!/bin/sh\nexec sleep 1000\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using FileBlockStore image = FileBlockStore.OpenOrMake(Path.Combine(_folder.FullName, "image"));
        var launch = new VtpmLaunch(Backend.Uuid, image, IsImageNew: true, image);
        // One user.
        var launcher = new VtpmLauncher(program, [], SandboxUserRange.Parse("2000000000-2000000000"));
        IVtpmProcess first = launcher.Start(launch);
        first.Dispose();
        Assert.Throws<ConfinementException>(() => launcher.Start(launch));

        Process.GetProcessById(first.Id).Kill();
        IVtpmProcess? second = null;
        long deadline = Environment.TickCount64 + 20_000;
        while (second is null)
        {
            Assert.True(Environment.TickCount64 < deadline, "its user is not given back");
            try
            {
                second = launcher.Start(launch);
            }
            catch (ConfinementException)
            {
                Thread.Yield();
            }
        }

        Assert.False(Directory.Exists($"/proc/{first.Id}"));
        second.Kill();
        second.Dispose();
    }
}
