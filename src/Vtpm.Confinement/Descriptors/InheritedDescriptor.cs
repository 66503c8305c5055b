using Microsoft.Win32.SafeHandles;

namespace Vtpm.Confinement;

/// <summary>The other side of <see cref="ChildProcessStart.Descriptors"/>: what this process was started with.</summary>
public static class InheritedDescriptor
{
    private const int FirstDescriptor = 3;

    /// <summary>Takes over a descriptor that is open from the start, and passes it on to no program that this one starts. Each may be taken once.</summary>
    /// <param name="number">3 or more.</param>
    /// <exception cref="ConfinementException">It is not open.</exception>
    public static SafeFileHandle Take(int number)
    {
        int flags = number < FirstDescriptor ? -1 : LibC.Control(number, LibC.DescriptorFlags, 0);
        if (flags < 0 || LibC.Control(number, LibC.SetDescriptorFlags, flags | LibC.DescriptorCloseOnExec) != 0)
            throw new ConfinementException($"fd:{number} is not open: whoever starts this program passes it the descriptors 3, 4 and so on");
        return new SafeFileHandle(number, ownsHandle: true);
    }
}
