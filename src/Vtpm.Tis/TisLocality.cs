using Vtpm.Transports;

namespace Vtpm.Tis;

/// <summary>Asks for the TPM and gives it back. One locality has it at a time; a higher one may seize it, which we never do.</summary>
internal sealed class TisLocality(TisPort port, int number, TimeSpan patience)
{
    private const TisAccess Granted = TisAccess.Valid | TisAccess.ActiveLocality;

    public bool IsHeld => IsGranted(port.ReadAccess());

    /// <summary>Whether there is a TPM with this interface at all. Nothing is written before this is known.</summary>
    /// <exception cref="TpmTransportException">There is none, or one with another interface.</exception>
    public void Probe()
    {
        const uint interfaceMask = 0xF;
        const uint commandResponseBuffer = 1;
        if (port.ReadDeviceAndVendor() is 0 or uint.MaxValue || port.ReadAccess() == TisAccess.Absent)
        {
            string hidden = number == 0 ? "" : $", does this chipset let software use locality {number},";
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{port.Name}: no TPM answers there; is it enabled in the firmware's set-up{hidden} and is the address (tpmiomem=) right?");
        }

        if ((port.ReadInterfaceId() & interfaceMask) == commandResponseBuffer)
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{port.Name}: the TPM there has a command response buffer (CRB) and no TIS registers; use the kernel's driver (tpmdriver=/dev/tpm0)");
    }

    /// <summary>Makes ours the active locality.</summary>
    /// <exception cref="TpmTransportException">Another one keeps it, or the TPM does not grant it.</exception>
    public void Request(TisTimings timings)
    {
        if (!port.Await(timings.A, () => (port.ReadAccess() & TisAccess.Valid) != 0))
            throw new TpmTransportException(TpmTransportFault.TimedOut, $"{port.Name}: TPM_ACCESS does not become valid; the TPM does not start");
        TisAccess access = port.ReadAccess();
        if (access == TisAccess.Absent) throw port.Gone();
        if (port.Await(timings.A, IsGrantedWhenAsked)) return;
        bool othersHaveIt = (port.ReadAccess() & TisAccess.RequestUse) != 0;
        if (othersHaveIt && port.Await(patience, IsGrantedWhenAsked)) return;
        // Else it would be granted later, to nobody who uses it.
        port.WriteAccess(TisAccess.ActiveLocality);
        throw othersHaveIt
            ? new TpmTransportException(TpmTransportFault.InUse, $"{port.Name}: another locality does not release the TPM; end what uses it there")
            : new TpmTransportException(TpmTransportFault.Unavailable, $"{port.Name}: the TPM does not grant locality {number}");
    }

    /// <summary>Gives the TPM back, if it is ours.</summary>
    public void Release()
    {
        if (IsHeld) port.WriteAccess(TisAccess.ActiveLocality);
    }

    /// <summary>Whether the TPM is ours; if not, it has been asked for.</summary>
    /// <remarks>
    /// A request ends when it is granted, and a higher locality may seize what was granted before we have looked: then it has to be made again.
    /// </remarks>
    private bool IsGrantedWhenAsked()
    {
        TisAccess access = port.ReadAccess();
        if (access == TisAccess.Absent) return false;
        // Between two commands that costs nothing but asking again.
        if ((access & TisAccess.BeenSeized) != 0) port.WriteAccess(TisAccess.BeenSeized);
        if (IsGranted(access)) return true;
        if ((access & TisAccess.RequestUse) == 0) port.WriteAccess(TisAccess.RequestUse);
        return false;
    }

    private static bool IsGranted(TisAccess access) => access != TisAccess.Absent && (access & Granted) == Granted;
}
