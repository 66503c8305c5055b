using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Transports;

namespace Vtpm.SystemTests;

/// <summary>
/// A machine with a hardware TPM and a manager that nobody has provisioned, and its authority, who has a key and signs: all in one folder, all by the
/// command line.
/// </summary>
internal sealed class Site : IDisposable
{
    public const string AnyVtpm = "label:*:vtpm:socket";

    private readonly TestFolder _folder = new();
    private readonly VtpmProcess _hardware;
    private VtpmProcess? _manager;
    private VtpmProcess? _vtpm;

    public Site()
    {
        _hardware =
            VtpmProcess.StartReady(VtpmProcess.Ready, "hardware", "--state", this["hardware.state"], "--listen", $"{Hardware}", "--startup", "clear");
        StartManager();
    }

    public Guid Uuid { get; } = Guid.NewGuid();

    public TpmAddress Hardware => TpmAddress.Unix(this["hardware.sock"]);

    public TpmAddress Admin => TpmAddress.Unix(this["admin.sock"]);

    public TpmAddress Vtpm => TpmAddress.Unix(this["vtpm.sock"]);

    public string KeyFile => this["authority.pem"];

    public string ModulusFile => this["authority.modulus"];

    public VtpmProcess Manager => _manager!;

    public string this[string name] => _folder[name];

    /// <summary>With the authority's key, and group 0 under it on the present platform.</summary>
    public static Site Provisioned()
    {
        var site = new Site();
        try
        {
            site.Do("approve", "key", site.KeyFile);
            site.Manage("group-add", site.ModulusFile, "--out", site._folder.Path);
            site.Approve(0, 1);
            return site;
        }
        catch
        {
            site.Dispose();
            throw;
        }
    }

    public void StartManager(params IEnumerable<string> arguments)
    {
        _manager?.Dispose();
        _manager = VtpmProcess.StartReady(
            VtpmProcess.ManagerReady,
            ["manager", "--image", this["manager.img"], "--admin", $"{Admin}", "--listen", $"unix:{this[$"{Uuid}.sock"]}", .. arguments, $"tpmdriver={Hardware}"]);
    }

    /// <summary>Starts the vTPM of the one socket.</summary>
    public VtpmProcess StartVtpm()
    {
        _vtpm?.Dispose();
        return _vtpm = VtpmProcess.StartReady(
            VtpmProcess.Ready, "run", "--image", this["vtpm.img"], "--manager", $"unix:{this[$"{Uuid}.sock"]}", "--listen", $"{Vtpm}");
    }

    /// <summary>Gives the vTPM of the one socket the rights of an administrator.</summary>
    public void MakeAdministrator()
    {
        Manage("vtpm-add", "0", $"{Uuid}");
        Manage("vtpm-edit", $"{Uuid}", "--admin", "true");
    }

    public void StopVtpm()
    {
        _vtpm!.Signal(UnixSignal.Terminate);
        Assert.Equal(0, _vtpm.WaitForExit());
    }

    /// <summary>Runs a command that has to succeed; returns what it says.</summary>
    public string Do(params IEnumerable<string> arguments)
    {
        (int exitCode, string output) = VtpmProcess.Run(arguments);
        Assert.True(exitCode == 0, $"vtpm {string.Join(' ', arguments)}: exit code {exitCode}\n{output}\n{_manager?.Log}");
        return output;
    }

    /// <summary>A management command over the admin socket.</summary>
    public string Manage(params IEnumerable<string> arguments) => Do(["manage", "--manager", $"{Admin}", .. arguments]);

    /// <summary>One that is to be refused, with a word on why.</summary>
    public void ManageRefused(string says, params IEnumerable<string> arguments)
    {
        (int exitCode, string output) = VtpmProcess.Run(["manage", "--manager", $"{Admin}", .. arguments]);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    /// <summary>Signs and installs the present platform, and all vTPMs on sockets.</summary>
    public void Approve(uint group, ulong sequence)
    {
        string file = this[$"approved.{group}.{sequence}"];
        Do("approve", "sign", "--key", KeyFile, "--sequence", $"{sequence}", "--original-form", file, Composite(0x0E00FF), AnyVtpm);
        Manage("group-update", group.ToString(CultureInfo.InvariantCulture), file);
    }

    /// <summary>The present platform as calc.pl takes it, worked out from the hardware's PCRs (TPM_PCR_COMPOSITE, Part 2 §8.2).</summary>
    public string Composite(uint mask)
    {
        using var tpm = new TpmClient(TpmConnection.Open(Hardware));
        byte[][] values =
            [.. Enumerable.Range(0, 24).Where(pcr => (mask >> pcr & 1) == 1).Select(pcr => tpm.PcrRead((uint)pcr).ReadOnlySpan.ToArray())];
        byte[] head = [0, 3, (byte)mask, (byte)(mask >> 8), (byte)(mask >> 16), 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(5), 20 * values.Length);
        return $"{mask:x6}={Convert.ToHexStringLower(SHA1.HashData([.. head, .. values.SelectMany(value => value)]))}";
    }

    public void Dispose()
    {
        _vtpm?.Dispose();
        _manager?.Dispose();
        _hardware?.Dispose();
        _folder.Dispose();
    }
}
