using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Which program is at the other end of a socket, with processes that are really there.</summary>
public sealed class PeerExecutableTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-peer-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public PeerExecutableTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Name));
        _listener.Listen();
    }

    private string Name => Path.Combine(_directory.FullName, "s");

    public void Dispose()
    {
        _listener.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public void Measure_OfThisProcess_IsTheHashOfItsFile()
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(Name));
        using Socket accepted = _listener.Accept();
        PeerExecutable measured = PeerExecutable.Measure(accepted);
        Assert.Equal("", measured.Fault);
        Assert.Equal(HashOf("/proc/self/exe"), measured.Sha1);
        Assert.Equal(Environment.ProcessPath, measured.Name);
    }

    /// <summary>It connects, says so, and waits for the end of its input.</summary>
    [Fact]
    public void Measure_OfAnotherProgram_IsThatProgram()
    {
        using Process perl = Perl("print \"connected\\n\"; <STDIN>;");
        Assert.Equal("connected", perl.StandardOutput.ReadLine());
        using Socket accepted = _listener.Accept();
        Assert.Equal(HashOf($"/proc/{perl.Id}/exe"), PeerExecutable.Measure(accepted).Sha1);
        perl.StandardInput.Close();
        perl.WaitForExit();
    }

    [Fact]
    public void Measure_OfAProcessThatBecameAnotherProgram_IsWhatItRunsNow()
    {
        using Process cat = Perl("exec '/bin/cat';");
        cat.StandardInput.WriteLine("it is cat");
        Assert.Equal("it is cat", cat.StandardOutput.ReadLine());
        using Socket accepted = _listener.Accept();
        Assert.Equal(HashOf("/bin/cat"), PeerExecutable.Measure(accepted).Sha1);
        cat.StandardInput.Close();
        cat.WaitForExit();
    }

    [Fact]
    public void Measure_OfAProcessThatHasEnded_IsNone()
    {
        using (Process perl = Perl("")) perl.WaitForExit();
        using Socket accepted = _listener.Accept();
        PeerExecutable measured = PeerExecutable.Measure(accepted);
        Assert.Null(measured.Sha1);
        Assert.NotEmpty(measured.Fault);
    }

    [Fact]
    public void Measure_OfASocketThatTellsNoProcess_IsNone()
    {
        using var loose = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        PeerExecutable measured = PeerExecutable.Measure(loose);
        Assert.Null(measured.Sha1);
        Assert.NotEmpty(measured.Fault);
    }

    private static byte[] HashOf(string path) => SHA1.HashData(File.ReadAllBytes(path));

    /// <summary>A process that connects and then runs a script; the connection stays open over an exec.</summary>
    private Process Perl(string script) => Process.Start(new ProcessStartInfo("perl", ["-e", $"$| = 1; $^F = 1000; use IO::Socket::UNIX; our $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 2; {script}", Name])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;
}
