using System.Globalization;
using System.Runtime.InteropServices;
using Vtpm.Manager;
using Vtpm.Tis;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary>What the manager's arguments say about its hardware TPM: which driver, and where the registers are.</summary>
internal sealed record HardwareArguments
{
    private const string TisDriver = "tpm_tis";
    private const string FrontendDriver = "tpmfront";
    private const string Others = "tpmdriver=tpm_tis, tpmdriver=tpmfront, tpmdriver=/dev/tpm0, tpmdriver=unix:PATH or tpmdriver=tcp:HOST:PORT";

    /// <summary>tpmdriver=; none is tpm_tis, as with the original, whose configurations give none.</summary>
    private string? Driver { get; init; }

    /// <summary>tpmiomem=.</summary>
    private long? Address { get; init; }

    /// <summary>tpmirq=; null when it was not given, 0 for polling.</summary>
    private string? Irq { get; init; }

    /// <returns>Null for an argument that says nothing about the hardware, or has no value.</returns>
    public HardwareArguments? With(string name, string? value) => (name, value) switch
    {
        ("tpmdriver", { Length: > 0 }) => this with { Driver = value },
        ("tpmiomem", not null) => this with { Address = ParseAddress(value) },
        ("tpmirq", not null) => this with { Irq = ParseIrq(value) },
        _ => null,
    };

    /// <summary>Gives the manager this hardware.</summary>
    public ManagerOptions ApplyTo(ManagerOptions options)
    {
        if (Driver is null or TisDriver) return OnRegisters(options);
        if (Address is not null) throw new UsageException("tpmiomem= is for tpmdriver=tpm_tis alone");
        if (Irq is not null) throw new UsageException("tpmirq= is for tpmdriver=tpm_tis alone");
        if (Driver == FrontendDriver || Driver == TpmAddress.Xen.ToString())
            return options with
            {
                Hardware = TpmAddress.Named(FrontendDriver, "vtpm"),
                Connect = _ => OpenFrontend(options.Locality),
            };
        try
        {
            return options with { Hardware = TpmAddress.Parse(Driver) };
        }
        catch (FormatException exception)
        {
            throw new UsageException($"'tpmdriver={Driver}': {exception.Message}; or tpmdriver=tpm_tis or tpmdriver=tpmfront");
        }
    }

    private ManagerOptions OnRegisters(ManagerOptions options)
    {
        // Where nothing is, other machines than PCs may end a program that reads.
        if (Address is null && RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new UsageException(
                $"which hardware TPM? Write {Others}; tpm_tis wants tpmiomem= on this machine, which has no customary place for a TPM");
        var tis = new TisOptions { Address = Address ?? TisOptions.DefaultAddress, Locality = options.Locality, IsTpm2 = options.IsTpm2 };
        return options with
        {
            Hardware = TpmAddress.Named("tis", string.Create(CultureInfo.InvariantCulture, $"0x{tis.Address:x}")),
            Connect = _ => Open(tis),
        };
    }

    /// <summary>
    /// The vTPM that this domain has of another one: by the kernel's driver where that has the device, which then nobody else can drive, and else from
    /// here. Looked for each time: the device comes and goes with the domain's vTPM.
    /// </summary>
    private static ITpmConnection OpenFrontend(int locality)
    {
        if (KernelTpm.List().Any(tpm => tpm.IsXenFrontend)) return TpmConnection.Open(TpmAddress.Parse(KernelTpm.FindXenFrontend().DevicePath));
        Tpmfront front = Tpmfront.OpenOwn();
        front.Locality = (byte)locality;
        return front;
    }

    private TisConnection Open(TisOptions tis)
    {
        try
        {
            TisConnection connection = TisConnection.Open(tis);
            string irq = Irq is null or "0" ? "" : $"; tpmirq={Irq} is not used, since interrupts are for drivers in the kernel";
            Log.ServiceLine($"INFO[TPM]: {connection.Name}: driven by polling{irq}");
            return connection;
        }
        catch (TpmTransportException e) when (Driver is null)
        {
            throw new TpmTransportException(e.Fault, $"{e.Message} (there was no tpmdriver=, which means tpm_tis; the choices are {Others})", e);
        }
    }

    private static long ParseAddress(string value)
    {
        bool isHex = value.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHex
            ? long.TryParse(value.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long address)
            : long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out address);
        return isNumber && address is > 0 and < long.MaxValue / 2 && address % TisOptions.PageSize == 0
            ? address
            : throw new UsageException($"'tpmiomem={value}': write the address of locality 0's page, such as tpmiomem=0x{TisOptions.DefaultAddress:x}");
    }

    private static string ParseIrq(string value) =>
        value == "probe" || ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? value
            : throw new UsageException($"'tpmirq={value}': write tpmirq=0 for polling, tpmirq=N or tpmirq=probe");
}
