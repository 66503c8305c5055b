using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>Where <c>vtpm up</c> keeps everything: one folder.</summary>
internal sealed class ChainFolder
{
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

    public string ManagerImage => File("manager.img");

    public string ApprovalKey => File("approval.pem");

    /// <summary>The manager's socket for the vTPM.</summary>
    public string ManagerSocket => File($"{Uuid}.sock");

    public string VtpmImage => File("vtpm.img");

    public string VtpmSocket => File("vtpm.sock");

    public string Path => _path;

    /// <summary>Which hardware TPM the chain stands on: written at the first start, for a chain stands on one alone.</summary>
    private string HardwareFile => File("hardware");

    /// <exception cref="ChainException">There is no chain in the folder.</exception>
    public static ChainFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        string uuidFile = System.IO.Path.Combine(path, "uuid");
        if (!System.IO.File.Exists(uuidFile)) throw new ChainException($"there is no chain in {path}; vtpm up --dir {path} makes one");
        string text = System.IO.File.ReadAllText(uuidFile).Trim();
        return Guid.TryParse(text, out Guid uuid) ? new ChainFolder(path, uuid) : throw new ChainException($"{uuidFile} should hold the vTPM's uuid and holds '{text}'");
    }

    public static ChainFolder OpenOrCreate(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        string uuidFile = System.IO.Path.Combine(path, "uuid");
        if (!System.IO.File.Exists(uuidFile))
        {
            if (!Directory.Exists(path)) Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            System.IO.File.WriteAllText(uuidFile, Guid.NewGuid() + "\n");
        }

        return Open(path);
    }

    /// <summary>The hardware TPM of this chain; null is the stand-in. The first answer is kept: another TPM does not open what this one sealed.</summary>
    /// <exception cref="ChainException">It was another one before.</exception>
    public TpmAddress? Hardware(TpmAddress? asked)
    {
        if (!System.IO.File.Exists(HardwareFile))
        {
            if (asked is not null) System.IO.File.WriteAllText(HardwareFile, asked + "\n");
            return asked is null && System.IO.File.Exists(HardwareState) ? null : asked;
        }

        string kept = System.IO.File.ReadAllText(HardwareFile).Trim();
        if (asked is not null && asked.ToString() != kept)
            throw new ChainException($"the chain in {_path} stands on the hardware TPM {kept}, and {asked} does not open what that one sealed; use another --dir for another TPM");
        return TpmAddress.Parse(kept);
    }

    private string File(string name) => System.IO.Path.Combine(_path, name);
}
