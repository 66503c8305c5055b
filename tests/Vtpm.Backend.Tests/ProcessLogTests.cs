using System.Net.Sockets;
using System.Text;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>What vTPMs' processes write, which is their own word and no more than a part of one log.</summary>
public sealed class ProcessLogTests : IDisposable
{
    private const int WithoutEnd = 100_000;

    private readonly Backend _backend = new();

    public void Dispose()
    {
        // One that waits in its write would wait for a clock that stands still.
        foreach (ThreadLauncher.Vtpm vtpm in _backend.Launcher.Started) vtpm.Kill();
        _backend.Dispose();
    }

    private IEnumerable<string> Said => _backend.Said.Where(said => said.Uuid == Backend.Uuid).Select(said => said.Line);

    [Fact]
    public void Lines_AreToldWithTheirVtpm_AlsoTheLastWithoutAnEnd()
    {
        Says("INFO[VTPM]: begins\nand its last words");
        _backend.Launcher.Instead = (_, _) => { };
        _backend.Guest(5);
        _backend.Until(() => Said.Count() >= 2);

        Assert.Equal(["INFO[VTPM]: begins", "and its last words"], Said.Take(2));
    }

    [Theory]
    [InlineData("a\u001b[2Jb\rc\td", "a?[2Jb?c?d")]
    [InlineData("a\u0085b\u2028c\u202ed\u009b1m", "a?b?c?d?1m")]
    [InlineData("Ünï → 😀", "Ünï → 😀")]
    [InlineData("", "")]
    public void Line_HasNothingThatATerminalOrAReaderTakesForSomethingElse(string said, string told)
    {
        Says(said + "\n");
        _backend.Running(5);

        Assert.Equal(told, Said.First());
    }

    [Fact]
    public void Line_ThatIsTooLong_IsCutAndTheNextIsWhole()
    {
        Says(new string('x', 50_000) + "\nnext\n");
        _backend.Running(5);

        Assert.Equal([new string('x', ProcessLog.LongestLine) + "...", "next"], Said.Take(2));
    }

    [Fact]
    public void BytesThatAreNoText_AreALine()
    {
        Says([0xFF, 0x00, 0xC3, (byte)'\n']);
        _backend.Running(5);

        Assert.Equal("\uFFFD?\uFFFD", Said.First());
    }

    [Fact]
    public void ProcessThatWritesWithoutEnd_FillsNoLogAndDelaysNobody()
    {
        RawFrontend other = _backend.Running(6, Backend.Other);
        long written = 0;
        using var done = new CancellationTokenSource();
        _backend.Launcher.Instead = (requests, _) => requests.Receive(new byte[8192]);
        _backend.Launcher.Says = log =>
        {
            byte[] lines = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a line that is one of very many\n", 1000)));
            for (int i = 0; i < WithoutEnd && !done.IsCancellationRequested; i++) Interlocked.Add(ref written, log.Send(lines));
        };
        _backend.Guest(5);
        _backend.Until(() => Interlocked.Read(ref written) > 0);
        for (int i = 0; i < 100; i++) _backend.Extend(other);

        // Its time stands still: it waits in its write, and is not heard.
        long before = Interlocked.Read(ref written);
        Assert.InRange(before, 1, 1 << 20);
        Assert.InRange(Said.Count(), 1, 256);
        for (int i = 0; i < 100; i++) _backend.Extend(other);
        Assert.InRange(Interlocked.Read(ref written), before, 1 << 20);

        // It goes on in time, and so does the log.
        _backend.Time.Advance(TimeSpan.FromSeconds(11));
        _backend.Until(() =>
        {
            // A writer is not woken before there is much room.
            _backend.Time.Advance(TimeSpan.FromMilliseconds(50));
            return Interlocked.Read(ref written) > before && Said.Any(line => line.EndsWith("are left out", StringComparison.Ordinal));
        });
        Assert.InRange(Said.Count(), 1, 300);
        done.Cancel();
        _backend.Launcher.Last.Kill();
        _backend.Until(() => _backend.HasLogged("ended by itself"));
    }

    [Fact]
    public void ProcessThatDies_GainsNoLinesByIt()
    {
        Says(string.Concat(Enumerable.Repeat("line\n", 200)));
        _backend.Launcher.Instead = (_, _) => { };
        _backend.Guest(5);
        for (int i = 1; i <= 3; i++)
        {
            _backend.Until(() => _backend.Log.Count(line => line.Contains("ended by itself", StringComparison.Ordinal)) == i);
            _backend.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(Said.Count(), 256, 270);
        Assert.Contains(Said, line => line.EndsWith("144 lines before this one are left out", StringComparison.Ordinal));
    }

    private void Says(string text) => Says(Encoding.UTF8.GetBytes(text));

    private void Says(byte[] bytes) => _backend.Launcher.Says = log => log.Send(bytes);
}
