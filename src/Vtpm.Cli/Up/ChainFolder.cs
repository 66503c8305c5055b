using System.Text;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>Where <c>vtpm up</c> keeps everything: one folder.</summary>
internal sealed class ChainFolder
{
    private const string UuidName = "uuid";
    private const string ManagerImageName = "manager.img";
    private const string ApprovalKeyName = "approval.pem";
    private const string VtpmImageName = "vtpm.img";
    private const string AdminSocketName = "admin.sock";

    /// <summary>What a Unix socket's path may have (107 bytes) less the name of the longest one here, <c>/UUID.sock</c>.</summary>
    private const int LongestPath = 107 - 42;

    private readonly string _path;

    private ChainFolder(string path, Guid uuid)
    {
        _path = path;
        Uuid = uuid;
    }

    /// <summary>The vTPM's uuid, made with the folder.</summary>
    public Guid Uuid { get; }

    public string HardwareState => File("hardware.state");

    public string HardwareSocket => File("hardware.sock");

    public string ManagerImage => File(ManagerImageName);

    public string ApprovalKey => File(ApprovalKeyName);

    /// <summary>The manager's socket for the vTPM.</summary>
    public string ManagerSocket => File($"{Uuid}.sock");

    /// <summary>The manager's socket for administrators.</summary>
    public string AdminSocket => File(AdminSocketName);

    public string VtpmImage => File(VtpmImageName);

    public string VtpmSocket => File("vtpm.sock");

    public string Path => _path;

    /// <summary>Which hardware TPM the chain stands on, for a chain stands on one alone; there is none for a stand-in.</summary>
    private string HardwareFile => File("hardware");

    /// <summary>Where the administrators' socket of a chain in that folder is, if there is one.</summary>
    public static string AdminSocketIn(string path) => System.IO.Path.Combine(Checked(path), AdminSocketName);

    /// <exception cref="ChainException">There is no chain in the folder, or not the whole of it.</exception>
    public static ChainFolder Open(string path)
    {
        path = Checked(path);
        string uuidFile = System.IO.Path.Combine(path, UuidName);
        RefuseIncomplete(path);
        if (!System.IO.File.Exists(uuidFile)) throw new ChainException($"there is no chain in {path}; vtpm up --dir {path} makes one");
        string text = System.IO.File.ReadAllText(uuidFile).Trim();
        return Guid.TryParse(text, out Guid uuid)
            ? new ChainFolder(path, uuid)
            : throw new ChainException($"{uuidFile} should hold the vTPM's uuid and holds '{text}'; restore it from a backup", ExitCode.Refused);
    }

    /// <exception cref="ChainException">What is there is not the whole of a chain.</exception>
    public static ChainFolder OpenOrCreate(string path)
    {
        path = Checked(path);
        RefuseIncomplete(path);
        if (!Directory.Exists(path)) Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string uuidFile = System.IO.Path.Combine(path, UuidName);
        if (!System.IO.File.Exists(uuidFile)) PrivateFile.Create(uuidFile, Encoding.ASCII.GetBytes(Guid.NewGuid() + "\n"));
        return Open(path);
    }

    /// <summary>The hardware TPM of this chain; null is the stand-in.</summary>
    /// <exception cref="ChainException">It was another one before, or it is gone.</exception>
    public TpmAddress? Hardware(TpmAddress? asked)
    {
        if (System.IO.File.Exists(HardwareFile))
        {
            string kept = System.IO.File.ReadAllText(HardwareFile).Trim();
            return asked is null || Absolute(asked).ToString() == kept ? TpmAddress.Parse(kept) : throw AnotherTpm(kept, asked);
        }

        if (!IsEstablished(_path)) return asked is null ? null : Absolute(asked);
        if (System.IO.File.Exists(HardwareState)) return asked is null ? null : throw AnotherTpm($"of the stand-in, {HardwareState}", asked);
        return asked is null ? throw Missing(_path, "hardware.state (or hardware, with the address of the TPM)") : Absolute(asked);
    }

    /// <summary>Remembers the hardware TPM, once the manager's image is sealed to it: another one does not open what this one sealed.</summary>
    public void Keep(TpmAddress? hardware)
    {
        if (hardware is not null) PrivateFile.Create(HardwareFile, Encoding.UTF8.GetBytes(hardware + "\n"));
    }

    /// <summary>
    /// A chain once made is started whole or not at all: without one of its parts the others would make a new TPM, and write over what a backup of
    /// the missing part could still open.
    /// </summary>
    private static void RefuseIncomplete(string path)
    {
        if (!IsEstablished(path)) return;
        foreach (string name in (string[])[UuidName, ManagerImageName])
            if (!System.IO.File.Exists(System.IO.Path.Combine(path, name))) throw Missing(path, name);
    }

    /// <summary>Whether a manager was provisioned here. The approval key is made at that moment, and may have been taken elsewhere since.</summary>
    private static bool IsEstablished(string path) =>
        System.IO.File.Exists(System.IO.Path.Combine(path, VtpmImageName)) || System.IO.File.Exists(System.IO.Path.Combine(path, ApprovalKeyName));

    private static ChainException Missing(string path, string name) => new(
        $"the chain in {path} lacks its file {name}, without which the vTPM's keys cannot be opened. Nothing was changed. Choices: restore the file from a "
            + "backup; or make a new chain with another --dir, which has nothing of what this one held",
        ExitCode.Refused);

    private ChainException AnotherTpm(string kept, TpmAddress asked) => new(
        $"the chain in {_path} stands on the hardware TPM {kept}, and {asked} does not open what that one sealed. Choices: leave --hardware out; use another "
            + $"--dir for another TPM; or, if it is the same TPM at another address, write that into {HardwareFile}",
        ExitCode.Refused);

    /// <summary>An address that means the same from every working directory.</summary>
    private static TpmAddress Absolute(TpmAddress address) =>
        address.Kind == TpmAddressKind.Unix ? TpmAddress.Unix(System.IO.Path.GetFullPath(address.Name)) : address;

    private static string Checked(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        int length = Encoding.UTF8.GetByteCount(path);
        return length <= LongestPath
            ? path
            : throw new UsageException($"--dir {path}: its sockets' names allow the folder's path {LongestPath} bytes and it has {length}; choose a shorter one");
    }

    private string File(string name) => System.IO.Path.Combine(_path, name);
}
